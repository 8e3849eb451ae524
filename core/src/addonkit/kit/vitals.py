"""Reads what a running server tells of an instance: its size, its sessions, and how long it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final, TypeVar

from addonkit.controller.execution_ids import once_id
from addonkit.controller.step_context import subject_of
from addonkit.controller.usage import usage_of
from addonkit.errors import AddonkitError
from addonkit.models.backup_state import BackupState
from addonkit.models.compute import Pool
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.result import Sessions
from addonkit.models.vitals import Vitals

if TYPE_CHECKING:
    from datetime import datetime

    from addonkit.kit.services import Services
    from addonkit.models.views import InstanceView
    from addonkit.registry.addon import Addon

T = TypeVar("T")

PATIENCE: Final = 5.0
"""Seconds that a server has to tell: one that hangs keeps nothing waiting for longer."""


class VitalsReader:
    """Asks servers that run; starts none."""

    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._registry = services.registry
        self._backend = services.backend
        self._engine = services.engine

    async def read(self, view: InstanceView) -> Vitals:
        """Return what can be told of an instance within `PATIENCE`; None stands for what cannot."""
        backup = await self._last_backup(view.instance)
        if view.addon_state != "ok" or view.instance.phase is not Phase.ACTIVE:
            return Vitals(last_backup=backup)
        if view.server is not None and view.server_state != "running":
            return Vitals(last_backup=backup)
        usage, sessions, uptime = await asyncio.gather(
            _bounded(usage_of(self._registry, self._engine, view.instance, word="look")),
            _bounded(self._sessions(view)),
            _bounded(self._uptime(view.instance)),
        )
        return Vitals(usage, sessions, uptime, backup)

    async def _last_backup(self, instance: Instance) -> datetime | None:
        found = await self._store.get(BackupState, instance.id)
        return found.value.verified if found else None

    async def _sessions(self, view: InstanceView) -> int | None:
        addon = self._registry.get(view.instance.addon, view.instance.distribution)
        if "sessions" not in addon.capabilities:
            return None
        active = [tie for tie in view.associations if tie.phase is Phase.ACTIVE]
        generations = [
            (tie, number) for tie in active for number in (tie.generation, *(each.generation for each in tie.formers))
        ]
        found = await asyncio.gather(*(self._count(addon, view.instance, *each) for each in generations))
        return None if None in found else sum(each or 0 for each in found)

    async def _count(self, addon: Addon, instance: Instance, tie: Association, generation: int) -> int | None:
        saga = addon.sessions(tie.of_generation(generation), instance)
        subject = subject_of(instance, tie, generation=generation)
        found: Sessions = await self._engine.ensure(once_id("look", tie.id), saga, subject=subject)
        return found.count

    async def _uptime(self, instance: Instance) -> float | None:
        pool = await self._store.get(Pool, instance.server) if instance.server else None
        return (await self._backend.observe(pool.value)).age if pool else None


async def _bounded(question: Awaitable[T]) -> T | None:
    try:
        async with asyncio.timeout(PATIENCE):
            return await question
    except (TimeoutError, AddonkitError):
        return None
