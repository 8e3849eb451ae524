"""Keeps schedules and the trash, for as long as a home is served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.controller.backups.outcomes import change_state, record_missed, record_slot
from addonkit.controller.backups.sagas import BACKUP
from addonkit.controller.backups.schedule import next_look, slot_to_do
from addonkit.errors import AddonkitError
from addonkit.models.backup_state import BackupState
from addonkit.models.execution import Event, EventKind
from addonkit.models.instance import Instance, Phase, Purpose
from addonkit.models.trash import TrashedInstance

if TYPE_CHECKING:
    from addonkit.kit.backups import Backups
    from addonkit.kit.schedules import Schedules
    from addonkit.kit.services import Services
    from addonkit.kit.trash import Trash

LONGEST: Final = timedelta(minutes=10)
"""Between looks, whether or not something is due."""

_SOON: Final = timedelta(seconds=1)


class BackupKeeper:
    """Makes one backup after the other. Several of them on one home share the work: leases tell who does what.

    Args:
        report: called with each thing that was done, a sentence.
    """

    def __init__(
        self,
        services: Services,
        backups: Backups,
        schedules: Schedules,
        trash: Trash,
        report: Callable[[str], None],
    ) -> None:
        self._store = services.store
        self._leases = services.leases
        self._clock = services.clock
        self._registry = services.registry
        self._backups = backups
        self._schedules = schedules
        self._trash = trash
        self._report = report
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Keep everything until the task is cancelled."""
        watching = asyncio.create_task(self._watch())
        try:
            while True:
                self._changed.clear()
                await self._wait_until(await self.check_once())
        finally:
            watching.cancel()

    async def check_once(self) -> datetime:
        """Do what is due; when the next thing is."""
        try:
            for name in await self._trash.remove_expired():
                self._report(f"{name} is kept in the trash no longer")
            await self._backups.service.cleanup.clean_up()
        except AddonkitError as error:
            self._report(f"backups cannot be tidied: {error}")
        for entity in await self._store.list(BackupState):
            if entity.value.cron:
                await self._keep(entity.name)
        return await self._next()

    async def _keep(self, instance_id: str) -> None:
        """Make the backup of one instance that is due, once however many were missed."""
        lease = f"backup/{instance_id}"
        if await self._leases.is_held(lease):
            return
        async with self._leases.hold(lease):
            found = await self._store.get(BackupState, instance_id)
            instance = await self._store.get(Instance, instance_id)
            if found is None or instance is None or instance.value.purpose is not Purpose.SERVE:
                return
            if instance.value.phase is not Phase.ACTIVE:
                return  # there is nothing to be read yet, or nothing to be kept any more
            slot = slot_to_do(found.value, self._clock.now())
            if slot is not None:
                await self._back_up(instance.value, slot)
        await self._announce(instance.value)

    async def _back_up(self, instance: Instance, slot: datetime) -> None:
        try:
            made = await self._backups.create(instance.name)
            deleted = await self._schedules.prune(instance.name) if (await self._state(instance)).keep else ()
        except AddonkitError as error:
            reason, now = str(error), self._clock.now()
            await self._store.transact(lambda tx: record_missed(tx, instance.id, now, reason))
            self._report(f"{instance.name} could not be backed up: {reason}")
            return
        await self._store.transact(lambda tx: record_slot(tx, instance.id, slot))
        pruned = f"; {len(deleted)} older ones are deleted" if deleted else ""
        self._report(f"{instance.name} is backed up as {made.name}, verified{pruned}")

    async def _announce(self, instance: Instance) -> None:
        """Tell observers once that an instance has no backup as new as its schedule asks for."""
        state, now = await self._state(instance), self._clock.now()
        if not state.is_overdue(now) or state.announced:
            return
        text = f"{instance.name}: {state.troubles(now, instance.name)[-1]}"
        event = Event("", BACKUP, EventKind.FAILED, text, now, subject={"instance": instance.id, "app": instance.app})
        self._registry.emit(event)
        self._report(text)
        await self._store.transact(
            lambda tx: change_state(tx, instance.id, lambda known: attrs.evolve(known, announced=True))
        )

    async def _state(self, instance: Instance) -> BackupState:
        found = await self._store.get(BackupState, instance.id)
        return found.value if found else BackupState(instance.id)

    async def _next(self) -> datetime:
        now = self._clock.now()
        times = [next_look(each.value, now) for each in await self._store.list(BackupState)]
        times += [each.value.expires for each in await self._store.list(TrashedInstance)]
        due = min((each for each in times if each is not None), default=now + LONGEST)
        return max(min(due, now + LONGEST), now + _SOON)

    async def _wait_until(self, due: datetime) -> None:
        seconds = (due - self._clock.now()).total_seconds()
        sleep, change = self._clock.sleep(max(seconds, 0)), self._changed.wait()
        waiting = {asyncio.ensure_future(sleep), asyncio.ensure_future(change)}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()

    async def _watch(self) -> None:
        async with aclosing(self._store.watch(BackupState)) as changes:
            async for _change in changes:
                self._changed.set()
