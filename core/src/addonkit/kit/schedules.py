"""Operations on scheduled backups: `Kit.schedules`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from addonkit.archive.retention import parse_keep, superfluous
from addonkit.controller.backups.outcomes import change_state, state_of
from addonkit.controller.backups.schedule import check_cron, next_look, next_time
from addonkit.errors import InvalidInput
from addonkit.models.backup_state import BackupState
from addonkit.models.instance import Instance, Purpose
from addonkit.models.trash import TrashedInstance
from addonkit.models.views import Plan
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.kit.backups import Backups
    from addonkit.kit.services import Services
    from addonkit.models.backup import Backup


@frozen
class Schedule:
    """The schedule of an instance's backups.

    Attributes:
        instance: its name.
        state: what is known of its backups.
        next: when the next one begins.
        troubles: what is wrong with them, a clause each.
    """

    instance: str
    state: BackupState
    next: datetime | None
    troubles: tuple[str, ...] = ()


class Schedules:
    """Scheduled backups. All methods raise AddonkitErrors."""

    def __init__(self, services: Services, backups: Backups) -> None:
        self._store = services.store
        self._clock = services.clock
        self._backups = backups

    async def set(self, name: str, cron: str, app: str | None = None, *, keep: str = "") -> Schedule:
        """Back an instance up at certain times, for as long as `addonkit serve` runs; a missed time is made up.

        Args:
            name: of the instance.
            cron: when, in local time: minute, hour, day of the month, month, day of the week.
            app: what knows the instance by that name.
            keep: which backups stay, as `7d4w12m`; see `prune`. Empty for all.

        Raises:
            InvalidInput: `cron` or `keep` says nothing.
            BackupError: the instance has nothing to back up.
        """
        instance = await self._check(name, cron, app, keep)
        now = self._clock.now()

        def schedule(state: BackupState) -> BackupState:
            return attrs.evolve(
                state, cron=cron, keep=keep, since=now, done=None, failures=0, retry_at=None, announced=False
            )

        stored = await self._store.transact(lambda tx: change_state(tx, instance.id, schedule))
        return Schedule(instance.name, stored, next_time(cron, now), stored.troubles(now, instance.name))

    async def plan(self, name: str, cron: str, app: str | None = None, *, keep: str = "") -> Plan:
        """Return what set would do, or clear when `cron` is empty; nothing written."""
        if not cron:
            instance = await self._backups.places.find(name, app)
            return Plan(f"{instance.name} would be backed up no longer", stays=("the backups that there are",))
        instance = await self._check(name, cron, app, keep)
        next_ = f"{next_time(cron, self._clock.now()).astimezone():%Y-%m-%d %H:%M}"
        kept = f"{keep} of its backups" if keep else "all of its backups"
        return Plan(f"{instance.name} would be backed up at {cron!r}, next at {next_}", stays=(kept,))

    async def _check(self, name: str, cron: str, app: str | None, keep: str) -> Instance:
        check_cron(cron)
        if keep:
            parse_keep(keep)
        instance = await self._backups.places.find(name, app)
        self._backups.service.check(instance)
        return instance

    async def clear(self, name: str, app: str | None = None) -> str:
        """Back an instance up no longer; its full name. Backups that there are stay."""
        instance = await self._backups.places.find(name, app)

        def off(state: BackupState) -> BackupState:
            return attrs.evolve(state, cron="", keep="", since=None, done=None, failures=0, retry_at=None)

        await self._store.transact(lambda tx: change_state(tx, instance.id, off))
        return instance.name

    async def list(self) -> tuple[Schedule, ...]:
        """Return all schedules, by the names of instances."""
        now, found = self._clock.now(), []
        for entity in await self._store.list(BackupState):
            instance = await self._store.get(Instance, entity.name)
            if instance is not None and entity.value.cron and instance.value.purpose is Purpose.SERVE:
                name = instance.value.name
                next_ = next_look(entity.value, now)
                found.append(Schedule(name, entity.value, next_, entity.value.troubles(now, name)))
        return tuple(sorted(found, key=lambda each: each.instance))

    async def plan_prune(self, name: str, app: str | None = None, *, keep: str = "") -> tuple[Backup, ...]:
        """Return backups of an instance that `prune` would delete.

        Raises:
            InvalidInput: neither `keep` nor the schedule says which stay.
        """
        instance = await self._backups.places.find(name, app)
        state = await self._store.read(lambda tx: state_of(tx, instance.id))
        wanted = keep or state.keep
        if not wanted:
            advice = "add --keep, such as --keep 7d4w12m"
            raise InvalidInput(f"cannot prune backups of {instance.name}", "nothing says which of them stay", advice)
        return superfluous(await self._not_in_trash(await self._backups.list(instance.name)), parse_keep(wanted))

    async def prune(self, name: str, app: str | None = None, *, keep: str = "") -> tuple[Backup, ...]:
        """Delete backups of an instance that need not stay; the newest verified one, and what is newer, always does.

        Args:
            name: of the instance.
            app: what knows it by that name.
            keep: how many hours, days, weeks, months and years keep one backup each; default is the schedule's.

        Returns:
            What was deleted.
        """
        found = await self.plan_prune(name, app, keep=keep)
        for each in found:
            await self._backups.service.delete(each)
        return found

    async def _not_in_trash(self, found: Sequence[Backup]) -> tuple[Backup, ...]:
        kept = {entity.value.backup.name for entity in await self._store.list(TrashedInstance)}
        return tuple(each for each in found if each.name not in kept)
