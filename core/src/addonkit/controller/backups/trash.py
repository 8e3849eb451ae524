"""The trash: what is kept of an instance that is destroyed, and how it comes back. Parts of decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.controller.backups import places
from addonkit.controller.backups.outcomes import change_state
from addonkit.controller.backups.places import give, publishable
from addonkit.controller.lookup import existing
from addonkit.controller.requests import ensure_app
from addonkit.controller.variables import associations_of
from addonkit.errors import BackupError, Conflict
from addonkit.models.identifiers import new_id
from addonkit.models.instance import Association, Instance, Purpose
from addonkit.models.periods import parse_period
from addonkit.models.trash import TrashedInstance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Transaction

SETTING: Final = "ADDONKIT_TRASH"
"""Variable that says how long what was destroyed can be brought back; `0`: not at all, no final backup is made."""

KEPT: Final = timedelta(days=7)
"""How long without that variable."""


def trash_period(environ: Mapping[str, str]) -> timedelta:
    """Return how long what is destroyed is kept.

    Raises:
        InvalidInput: `ADDONKIT_TRASH` is no period.
    """
    text = environ.get(SETTING, "")
    return parse_period(text, f"cannot use {SETTING}") if text else KEPT


def bring_back(tx: Transaction, registry: Registry, place_id: str, trash_id: str, name: str, now: datetime) -> Instance:
    """Let a place serve as the instance that was destroyed, for the apps that had it.

    A former one is a former one again, if the instance that had taken its place is there.

    Raises:
        Conflict: an instance has that name by now.
        BackupError: it was brought back or removed meanwhile.
    """
    place = publishable(tx, place_id)
    if place.value.purpose is not Purpose.SCRATCH:
        return place.value
    entity = tx.get(TrashedInstance, trash_id)
    if entity is None:
        raise BackupError(f"cannot bring {name} back", "it is not in the trash any more")
    if tx.list(Instance, {"name": name}, limit=1).items:
        raise Conflict(f"cannot bring {name} back", "an instance has that name")
    served = tx.put(place, _returned(tx, place.value, entity.value, name, now)).value
    _follow(tx, trash_id, served.id)
    for tie in entity.value.ties:
        made = attach_again(tx, tie, served, entity.value.destroyed)
        give(tx, registry, existing(tx, Association, made.id), served)
    if entity.value.backups is not None:
        since = now if entity.value.backups.cron else None
        tx.create(served.id, attrs.evolve(entity.value.backups, id=served.id, since=since))
        change_state(tx, served.id, lambda state: state)
    tx.delete(TrashedInstance, trash_id)
    return served


def _returned(tx: Transaction, place: Instance, kept: TrashedInstance, name: str, now: datetime) -> Instance:
    """Return what a place is from now on."""
    served = attrs.evolve(place, name=name, app=kept.app, purpose=Purpose.SERVE)
    successor = tx.get(Instance, kept.successor) if kept.successor else None
    if successor is None or successor.value.purpose is not Purpose.SERVE:
        return served
    return attrs.evolve(served, purpose=Purpose.FORMER, successor=successor.name, expires=now + places.KEPT)


def _follow(tx: Transaction, before_id: str, after_id: str) -> None:
    """Let former places of an instance that is back under another id be its own again: a rollback finds them by it."""
    for former in tx.list(Instance).items:
        if former.value.successor == before_id:
            tx.put(former, attrs.evolve(former.value, successor=after_id))
    for kept in tx.list(TrashedInstance).items:
        if kept.value.successor == before_id:
            tx.put(kept, attrs.evolve(kept.value, successor=after_id))


def attach_again(tx: Transaction, tie: Association, served: Instance, destroyed: datetime) -> Association:
    """Write a tie anew. Where the app took its name since, it gets that of the instance; what is newer goes first."""
    ensure_app(tx, tie.app)
    others = associations_of(tx, tie.app)
    alias = free_alias(tie, served.name, others)
    newer = any(existing(tx, Association, each.id).created > destroyed for each in others)
    order = max((each.order for each in others), default=0) + 1 if newer else tie.order
    primary = tie.primary and alias == tie.alias
    made = attrs.evolve(tie, id=new_id(), instance=served.id, alias=alias, order=order, primary=primary)
    return tx.create(made.id, made).value


def free_alias(tie: Association, name: str, others: Sequence[Association]) -> str:
    """Return the alias that a tie had if the app has nothing of that name, else one that is free."""
    labels = {each.label for each in others}
    if tie.label not in labels:
        return tie.alias
    number, alias = 1, name
    while alias in labels:
        number += 1
        alias = f"{name}-{number}"
    return alias
