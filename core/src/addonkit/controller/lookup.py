"""Finds what a user names: apps, instances, associations. Parts of decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from addonkit.controller.variables import associations_of
from addonkit.errors import UnknownInstance
from addonkit.models.app import App, DefaultApp
from addonkit.models.instance import Association, Instance, Phase

if TYPE_CHECKING:
    from addonkit.models.trash import TrashedInstance
    from addonkit.store.interface import Entity, Reader, Store, V


def get_app(tx: Reader, name: str, attempted: str) -> Entity[App]:
    """Return the app.

    Raises:
        UnknownApp: when nothing was ever created or set for it.
    """
    entity = tx.get(App, name)
    if entity is None:
        from addonkit.controller.unknown_names import unknown_app

        raise unknown_app(tx, name, attempted)
    return entity


def find_instance(tx: Reader, name: str, app: str | None) -> Entity[Instance]:
    """Return an instance by its name, or by what one app calls it: its alias, or its addon's name.

    Raises:
        UnknownInstance: with the nearest name, or those that exist.
        UnknownApp: there is no such app.
    """
    named = tx.list(Instance, {"name": name}).items
    if app is None:
        if named:
            return named[0]
        raise _unknown(name, tuple(e.value.name for e in tx.list(Instance).items), "")
    mine = associations_of(tx, app)
    # While an instance is destroyed its association goes first: then it is known by what its name was made of.
    named = (*named, *tx.list(Instance, {"name": plain_name(app, name)}).items)
    wanted = [a.instance for a in mine if a.label == name] or [e.name for e in named if _belongs(e, app, mine)]
    entity = tx.get(Instance, wanted[0]) if wanted else None
    if entity is not None:
        return entity
    elsewhere = next((each for each in named if each.value.name == name), None)
    if isinstance(app, DefaultApp):
        return elsewhere or find_instance(tx, name, None)
    if elsewhere is not None:
        found = f"it is not attached to {app}"
        raise UnknownInstance(f"cannot find instance {name!r} of app {app}", found, "leave -a out, or attach it")
    if tx.get(App, app) is None:
        from addonkit.controller.unknown_names import unknown_app

        raise unknown_app(tx, app, f"cannot find instance {name!r} of app {app}")
    raise _unknown(name, _names(tx, mine), f" of app {app}")


async def lookup_instance(store: Store, name: str, app: str | None) -> Instance:
    """Return what `find_instance` finds, in a read of its own; raises the same."""
    return await store.read(lambda tx: find_instance(tx, name, app).value)


def find_association(tx: Reader, name: str, app: str) -> tuple[Instance, Association]:
    """Return an instance and its association with an app, which may be on its way out.

    Raises:
        UnknownInstance: when it does not exist or is not attached to the app.
    """
    entity = find_instance(tx, name, app)
    for association in associations_of(tx, app):
        if association.instance == entity.name:
            return entity.value, association
    raise _not_attached(name, app)


def find_attached(tx: Reader, name: str, app: str) -> tuple[Instance, Association]:
    """Return an instance and its association with an app, which is to stay.

    Raises:
        UnknownInstance: when it does not exist, is not attached to the app, or is being detached.
    """
    instance, association = find_association(tx, name, app)
    if association.phase is Phase.DEPROVISIONING:
        raise _not_attached(name, app)
    return instance, association


def instances_of(tx: Reader, app: str | None) -> tuple[Instance, ...]:
    """Return the instances that give an app variables; all instances without an app."""
    if app is None:
        return tuple(entity.value for entity in tx.list(Instance).items)
    found = (tx.get(Instance, each.instance) for each in associations_of(tx, app))
    return tuple(entity.value for entity in found if entity is not None)


def existing(tx: Reader, kind: type[V], name: str) -> Entity[V]:
    """Return what this transaction has seen already, as it is now."""
    entity = tx.get(kind, name)
    assert entity is not None  # seen a moment ago, in this transaction
    return entity


def _belongs(entity: Entity[Instance], app: str, mine: Sequence[Association]) -> bool:
    return entity.value.app == app or any(a.instance == entity.name for a in mine)


def _names(tx: Reader, associations: Sequence[Association]) -> tuple[str, ...]:
    found = (tx.get(Instance, a.instance) for a in associations)
    return tuple(entity.value.name for entity in found if entity)


def _unknown(name: str, known: Sequence[str], where: str) -> UnknownInstance:
    from addonkit.controller.unknown_names import suggestion

    advice = suggestion(name, known, "there is none yet")
    return UnknownInstance(f"cannot find instance {name!r}{where}", "no instance has this name", advice)


def _not_attached(name: str, app: str) -> UnknownInstance:
    return UnknownInstance(f"cannot find {name} of app {app}", "it is not attached to it")


def plain_name(app: str, label: str) -> str:
    """Return the name of an instance, when it is free."""
    return f"{app}-{label}"


def is_called(found: TrashedInstance, name: str, app: str | None) -> bool:
    """Return whether what was destroyed is meant: by its name, its final backup's, or what an app called it."""
    if app is None or name == found.backup.name:
        return name in {found.name, found.backup.name}
    mine = [each for each in found.ties if each.app == app]
    called = {each.label for each in mine} | ({found.name} if mine or found.app == app else set())
    return name in called or (found.app == app and found.name == plain_name(app, name))
