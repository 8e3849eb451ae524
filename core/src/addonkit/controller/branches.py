"""Copies of an app's data for git branches: who has them, and what the app receives there. Parts of decisions."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.lookup import get_app
from addonkit.controller.variables import associations_of
from addonkit.controller.views import bound_service
from addonkit.errors import AlreadyExists, Busy
from addonkit.models.app import App, Branching, BranchOf
from addonkit.models.definition import CONFIG_PROGRAMS
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.views import MANUAL, BoundService, Environment, EnvironmentEntry

if TYPE_CHECKING:
    from addonkit.models.variable import Variable
    from addonkit.store.interface import Entity, Reader, Transaction


def bind_app(tx: Transaction, app: str, branching: Branching) -> None:
    """Record that an app has other data on each branch.

    Raises:
        UnknownApp: there is none of that name.
        Busy: it has copies for branches of another repository, or of another base.
    """
    attempted = f"cannot bind {app} to a git repository"
    entity = get_app(tx, app, attempted)
    if entity.value.branch_of is not None:
        raise AlreadyExists(attempted, f"it has the copies of branch {entity.value.branch_of.branch}")
    if entity.value.branching not in {None, branching} and copies_of(tx, app):
        raise Busy(attempted, "it has copies for branches already", f"run `addonkit branch unbind -a {app}` first")
    tx.put(entity, attrs.evolve(entity.value, branching=branching))


def unbind_app(tx: Transaction, app: str) -> None:
    """Record that an app has the same data on every branch; its copies are gone already."""
    entity = get_app(tx, app, f"cannot unbind {app}")
    tx.put(entity, attrs.evolve(entity.value, branching=None))


def apps_of(tx: Reader, git: str) -> tuple[str, ...]:
    """Return apps that are bound to a repository, in alphabetical order; `git` is the path of its directory `.git`."""
    found = tx.list(App).items
    return tuple(sorted(each.name for each in found if each.value.branching and each.value.branching.git == git))


def copies_of(tx: Reader, app: str | None) -> tuple[Entity[App], ...]:
    """Return the apps that have copies of an app's data, or of any app's."""
    found = tx.list(App).items
    return tuple(e for e in found if e.value.branch_of is not None and app in {None, e.value.branch_of.app})


def ensure_copy(tx: Transaction, name: str, of: BranchOf) -> None:
    """Write the app that has the copies of a branch, or find it.

    Raises:
        AlreadyExists: an app of its own has that name.
    """
    entity = tx.get(App, name)
    if entity is None:
        tx.create(name, App(name, branch_of=of))
    elif entity.value.branch_of != of:
        raise AlreadyExists(f"cannot make the copies of branch {of.branch}", f"there is an app {name!r} already")


def forget_copy(tx: Transaction, name: str) -> None:
    """Delete the app of copies that are gone."""
    entity = tx.get(App, name)
    if entity is not None and entity.value.branch_of is not None and not associations_of(tx, name):
        tx.delete(App, name)


def branching_of(tx: Reader, app: str) -> Branching | None:
    """Return which repository an app is bound to; None without one."""
    entity = tx.get(App, app)
    return entity.value.branching if entity else None


def missing_copies(tx: Reader, app: str, copy: str) -> tuple[tuple[Instance, Association], ...]:
    """Return what an app has that its copy for a branch has not, in the app's order."""
    there = {each.label for each in associations_of(tx, copy) if each.phase is not Phase.DEPROVISIONING}
    found = []
    for tie in associations_of(tx, app):
        instance = tx.get(Instance, tie.instance)
        if tie.label not in there and tie.phase is Phase.ACTIVE and instance is not None:
            found.append((instance.value, tie))
    return tuple(found)


def branch_environment(tx: Reader, app: str, copy: str, without: Collection[str]) -> Environment:
    """Return what an app receives on a branch: its own variables, and values of the copies under its own names."""
    owner = get_app(tx, app, f"cannot show the environment of {app}").value
    entries = [EnvironmentEntry(variable, MANUAL) for variable in owner.variables]
    copies = {each.label: each for each in associations_of(tx, copy)}
    unset: set[str] = set()
    programs: dict[str, None] = {}
    services: list[BoundService] = []
    for tie in associations_of(tx, app):
        mine = copies.get(tie.label)
        entity = tx.get(Instance, mine.instance) if mine else None
        if mine is None or entity is None or entity.value.name in without:
            continue
        entries += [EnvironmentEntry(each, entity.value.name) for each in renamed(tie, mine)]
        unset.update(mine.unset_variables)
        services.append(attrs.evolve(bound_service(entity.value, mine), alias=tie.alias))
        programs |= {entity.value.config[CONFIG_PROGRAMS]: None} if entity.value.config.get(CONFIG_PROGRAMS) else {}
    names = tuple(sorted(unset))
    return Environment(app, tuple(entries), unset=names, programs=tuple(programs), services=tuple(services))


def renamed(tie: Association, copy: Association) -> tuple[Variable, ...]:
    """Return the variables of a copy under the names that the app has for those of the original."""
    known = {plain.key: shown.key for plain, shown in zip(tie.plain, tie.variables, strict=False)}
    return tuple(each.renamed(known.get(each.key, each.key)) for each in copy.plain)
