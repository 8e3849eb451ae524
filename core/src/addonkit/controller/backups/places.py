"""Places: where data are on trial, and the one transaction in which apps begin to look there. Parts of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.controller.backups.outcomes import hand_over
from addonkit.controller.execution_ids import bind_id
from addonkit.controller.lookup import existing
from addonkit.controller.moving import IS_MOVING
from addonkit.controller.requests import associate, ensure_app
from addonkit.controller.rotation import bound_variables
from addonkit.controller.variables import associations_of, resolve_app_names
from addonkit.errors import BackupError, Conflict
from addonkit.models.execution import Execution
from addonkit.models.instance import Association, FormerLogin, Instance, Phase, Purpose
from addonkit.models.result import BindResult
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Entity, Reader, Transaction

KEPT: Final = timedelta(days=7)
"""How long a former instance is kept."""


@frozen
class PlaceRequest:
    """A place to be made.

    Attributes:
        id: of its instance.
        addon: name of the addon; `distribution` provides it.
        app: for which it is made.
        variant: name of the variant; `config` is resolved.
        options: values of options that a user has chosen; they are part of `config`.
    """

    id: str
    addon: str
    app: str
    variant: str
    distribution: str = ""
    config: Mapping[str, str] = attrs.field(factory=dict)
    options: Mapping[str, str] = attrs.field(factory=dict)


def create_place(tx: Transaction, wanted: PlaceRequest) -> Instance:
    """Write an instance that no app uses, or find the one of that id."""
    entity = tx.get(Instance, wanted.id)
    if entity is not None:
        return entity.value
    return tx.create(wanted.id, new_place(wanted)).value


def new_place(wanted: PlaceRequest) -> Instance:
    """Return the place that is asked for; nothing of it is made."""
    return Instance(
        wanted.id,
        f"scratch-{wanted.id}",
        wanted.addon,
        wanted.app,
        wanted.variant,
        wanted.distribution,
        wanted.config,
        purpose=Purpose.SCRATCH,
        options=wanted.options,
    )


def discard_place(tx: Transaction, place_id: str) -> bool:
    """Record that a place is to go; False when there is none, or it serves by now."""
    return _discard(tx, place_id, Purpose.SCRATCH)


def discard_former(tx: Transaction, former_id: str) -> bool:
    """Record that a former instance is to go; False when there is none, or it serves again."""
    return _discard(tx, former_id, Purpose.FORMER)


def _discard(tx: Transaction, id: str, purpose: Purpose) -> bool:
    entity = tx.get(Instance, id)
    if entity is None or entity.value.purpose is not purpose:
        return False
    tx.put(entity, attrs.evolve(entity.value, phase=Phase.DEPROVISIONING, message="", retry_at=None, failures=0))
    return True


def publish(tx: Transaction, registry: Registry, place_id: str, name: str, app: str, alias: str) -> Instance:
    """Let a place serve under a name of its own, and give its variables to an app.

    Raises:
        Conflict: an instance has that name by now.
    """
    place = publishable(tx, place_id)
    if place.value.purpose is Purpose.SERVE:
        return place.value
    if tx.list(Instance, {"name": name}, limit=1).items:
        raise Conflict(f"cannot restore into {name}", "an instance has that name")
    ensure_app(tx, app)
    served = tx.put(place, attrs.evolve(place.value, name=name, app=app, purpose=Purpose.SERVE)).value
    association = associate(tx, served, app, alias, associations_of(tx, app))
    give(tx, registry, existing(tx, Association, association.id), served)
    return served


def switch(
    tx: Transaction,
    registry: Registry,
    place_id: str,
    instance_id: str,
    now: datetime,
    bound: Mapping[str, BindResult] | None = None,
    *,
    execution_id: str = "",
) -> Instance:
    """Put a place where an instance is, which becomes a former one; apps have the new variables from now on.

    Does nothing if that was done. The same puts a former instance back. `bound` is what associations, by id, were bound
    to in the place already; others are bound after the switch, where the addon makes credentials. `execution_id` is of
    the execution that keeps apps from writing meanwhile; empty when none does.

    Raises:
        BackupError: one of them does not exist any more, or another place was switched to meanwhile.
    """
    place = publishable(tx, place_id)
    if place.value.purpose is Purpose.SERVE:
        return place.value
    entity = tx.get(Instance, instance_id)
    if entity is None or entity.value.phase is Phase.DEPROVISIONING:
        raise BackupError("cannot switch to the restored data", "the instance was destroyed meanwhile")
    if entity.value.purpose is Purpose.FORMER:
        raise BackupError("cannot switch to the restored data", "another instance has taken its place meanwhile")
    if entity.value.moving not in {"", execution_id}:
        raise BackupError(f"cannot switch {entity.value.name} to other data", IS_MOVING)
    before = entity.value
    served = attrs.evolve(
        place.value, name=before.name, app=before.app, purpose=Purpose.SERVE, successor="", expires=None
    )
    tx.put(place, served)
    former = attrs.evolve(
        before,
        name=_free_name(tx, f"{before.name}-former"),
        purpose=Purpose.FORMER,
        successor=place.name,
        expires=now + KEPT,
    )
    tx.put(entity, former)
    hand_over(tx, before.id, served.id)
    for each in tx.list(Association, {"instance": before.id}).items:
        give(tx, registry, each, served, (bound or {}).get(each.name), former=now)
    return served


def former_of(tx: Reader, instance: Instance) -> Instance | None:
    """Return the instance whose place another one took last; None without one."""
    found = [e.value for e in tx.list(Instance).items if e.value.purpose is Purpose.FORMER]
    mine = [each for each in found if each.successor == instance.id and each.phase is Phase.ACTIVE]
    return max(mine, key=lambda each: str(each.expires), default=None)


def publishable(tx: Transaction, place_id: str) -> Entity[Instance]:
    """Return a place that holds its data.

    Raises:
        BackupError: it does not exist any more.
    """
    entity = tx.get(Instance, place_id)
    if entity is None or entity.value.phase is not Phase.ACTIVE:
        raise BackupError("cannot switch to the restored data", "their instance does not exist any more")
    return entity


def next_tie(tie: Association, instance: Instance) -> Association:
    """Return an association as it is bound to another instance: with credentials of a generation of its own.

    Both places may be on one server, where each login has another name.
    """
    number = tie.generations + 1
    return attrs.evolve(
        tie,
        instance=instance.id,
        attempt=tie.attempt + 1,
        generation=number,
        generations=number,
        rotation=None,
        formers=(),
        attributes={},
    )


def _unused_attempt(tx: Transaction, tie: Association) -> int:
    """Return the next attempt to bind that nothing was executed for: a move that was undone may have begun some."""
    while tx.get(Execution, bind_id(tie)) is not None:
        tie = attrs.evolve(tie, attempt=tie.attempt + 1)
    return tie.attempt


def give(
    tx: Transaction,
    registry: Registry,
    tie: Entity[Association],
    instance: Instance,
    bound: BindResult | None = None,
    *,
    former: datetime | None = None,
) -> None:
    """Tie an association to another instance. Credentials that it was not bound to before are made afterwards.

    Those that it had until `former` are revoked next; without that there were none.
    """
    if tie.value.phase is Phase.DEPROVISIONING:
        tx.put(tie, attrs.evolve(tie.value, instance=instance.id))
        return
    addon = registry.get(instance.addon, instance.distribution)
    binds = "bind" in addon.capabilities
    moved = next_tie(tie.value, instance) if binds else attrs.evolve(tie.value, instance=instance.id)
    if binds and former is not None:
        had = FormerLogin(tie.value.generation, tie.value.attributes, former, revoke=True)
        moved = attrs.evolve(moved, formers=(*tie.value.formers, had))
    if binds and bound is None:
        tx.put(tie, attrs.evolve(moved, phase=Phase.PENDING, attempt=_unused_attempt(tx, moved)))
        return
    own = {"plain": instance.variables_by(socket=tie.value.socket)}
    variables = {**bound_variables(moved, bound), "attributes": bound.attributes} if bound else own
    unset = addon.definition.unset_variables
    given = attrs.evolve(moved, phase=Phase.ACTIVE, unset_variables=unset, **variables)
    tx.put(tie, given)
    resolve_app_names(tx, registry, tie.value.app)


def _free_name(tx: Transaction, wanted: str) -> str:
    name, number = wanted, 1
    while tx.list(Instance, {"name": name}, limit=1).items:
        number += 1
        name = f"{wanted}-{number}"
    return name
