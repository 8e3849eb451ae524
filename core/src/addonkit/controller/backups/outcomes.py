"""Records what came of backups, so that `list` can say it without a look at the repository. Parts of decisions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.backups.schedule import overdue_at, retry_time
from addonkit.models.backup_state import BackupState, FormerName
from addonkit.models.instance import Instance, Purpose

if TYPE_CHECKING:
    from addonkit.models.backup import Backup
    from addonkit.store.interface import Reader, Transaction

Change = Callable[[BackupState], BackupState]


def state_of(tx: Reader, instance_id: str) -> BackupState:
    """Return what is known of the backups of an instance."""
    entity = tx.get(BackupState, instance_id)
    return entity.value if entity else BackupState(instance_id)


def change_state(tx: Transaction, instance_id: str, change: Change) -> BackupState:
    """Change it. Nothing is written of an instance that does not exist any more."""
    before = state_of(tx, instance_id)
    after = change(before)
    after = attrs.evolve(after, overdue_at=overdue_at(after))
    if after == before or tx.get(Instance, instance_id) is None:
        return after
    entity = tx.get(BackupState, instance_id)
    return (tx.put(entity, after) if entity else tx.create(instance_id, after)).value


def record_written(tx: Transaction, instance_id: str, backup: Backup) -> None:
    """Record a backup that was written and is not verified yet."""
    change_state(tx, instance_id, lambda state: attrs.evolve(state, unverified=backup.name, failure=""))


def record_proved(tx: Transaction, backup: Backup) -> None:
    """Record a backup that was verified."""

    def proved(state: BackupState) -> BackupState:
        newest = max((each for each in (state.verified, backup.created) if each is not None), default=None)
        known = state.verified is not None and backup.created <= state.verified
        if known and backup.name != state.unverified:
            return state  # it was verified before: that says nothing of what came after it
        unverified = state.unverified if state.unverified > backup.name else ""
        return attrs.evolve(
            state, verified=newest, unverified=unverified, failure="", failures=0, retry_at=None, announced=False
        )

    for id in _serving(tx, backup.instance, backup.created):
        change_state(tx, id, proved)


def record_failed(tx: Transaction, name: str, reason: str) -> None:
    """Record that a backup of the instance of that name could not be written or proved."""
    for id in _serving(tx, name):
        change_state(tx, id, lambda state: attrs.evolve(state, failure=reason))


def record_slot(tx: Transaction, instance_id: str, slot: datetime) -> None:
    """Record that a time of the schedule was kept."""
    change_state(tx, instance_id, lambda state: attrs.evolve(state, done=slot, failures=0, retry_at=None))


def record_missed(tx: Transaction, instance_id: str, now: datetime, reason: str) -> None:
    """Record a scheduled backup that failed; it is tried again."""

    def missed(state: BackupState) -> BackupState:
        failures = state.failures + 1
        return attrs.evolve(state, failure=reason, failures=failures, retry_at=retry_time(failures, now))

    change_state(tx, instance_id, missed)


def record_rename(tx: Transaction, instance_id: str, former: str, now: datetime) -> None:
    """Record another name of an instance; its backups keep the former one."""
    change_state(tx, instance_id, lambda state: attrs.evolve(state, names=(*state.names, FormerName(former, now))))


def hand_over(tx: Transaction, before_id: str, after_id: str) -> None:
    """Let another instance take the place of one: schedule and history go with the name."""
    entity = tx.get(BackupState, before_id)
    if entity is not None:
        tx.delete(BackupState, before_id)
        former = tx.get(BackupState, after_id)
        if former is not None:
            tx.delete(BackupState, after_id)
        tx.create(after_id, attrs.evolve(entity.value, id=after_id))


def _serving(tx: Reader, name: str, at: datetime | None = None) -> list[str]:
    """Return the instance that has the name, or had it at a time; a former one may have a final backup."""
    found = [each.name for each in tx.list(Instance, {"name": name}).items if each.value.purpose is not Purpose.SCRATCH]
    if at is None:
        return found
    renamed = [
        e.name for e in tx.list(BackupState).items if any(f.name == name and at <= f.until for f in e.value.names)
    ]
    return renamed or found
