"""Measures the disks of servers, and keeps apps from writing to one that is nearly full: `Kit.storage`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.addons import addon_of
from addonkit.controller.execution_ids import once_id
from addonkit.controller.step_context import subject_of
from addonkit.errors import AddonkitError
from addonkit.models.compute import Pool
from addonkit.models.instance import Instance, Phase, Server, ServerPhase
from addonkit.models.sizes import parse_storage_gb
from addonkit.models.storage import ALLOW_BELOW, DENY_AT, StorageUse

if TYPE_CHECKING:
    from addonkit.kit.services import Services
    from addonkit.store.interface import Transaction


def limit_of(server: Server) -> int:
    """Return bytes that the disk of a server may have; 0 when it has no disk."""
    size = server.config.get("storage", "")
    return parse_storage_gb(size) << 30 if size else 0


class StorageWatch:
    """Looks at disks without starting a server. All methods raise StoreErrors alone."""

    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._backend = services.backend
        self._registry = services.registry
        self._engine = services.engine
        self._clock = services.clock

    async def measure(self) -> tuple[StorageUse, ...]:
        """Measure the disk of every server, and record it."""
        servers = [entity.value for entity in await self._store.list(Server, {"phase": ServerPhase.ACTIVE})]
        return tuple([await self._measure(each) for each in servers if limit_of(each)])

    async def check_once(self, report: Callable[[str], None]) -> None:
        """Measure every disk. Keep apps from writing where one is nearly full; let them write where there is room.

        Args:
            report: called with each thing that was done or cannot be done, a sentence.
        """
        for use in await self.measure():
            wanted = use.percent >= (ALLOW_BELOW if use.denied else DENY_AT)
            if wanted or use.denied:
                await self._limit(use, report, denied=wanted)

    async def _measure(self, server: Server) -> StorageUse:
        used, limit = await self._backend.disk_usage(server.id), limit_of(server)

        def record(tx: Transaction) -> StorageUse:
            entity = tx.get(StorageUse, server.id)
            before = entity.value if entity else StorageUse(server.id, 0, 0)
            now = attrs.evolve(before, used=used, limit=limit, measured=self._clock.now())
            return tx.create(server.id, now).value if entity is None else tx.put(entity, now).value

        return await self._store.transact(record)

    async def _limit(self, use: StorageUse, report: Callable[[str], None], *, denied: bool) -> None:
        """Bring the limit into force, or take it back. It is repeated, as an app may have taken it back itself."""
        pool = await self._store.get(Pool, use.name)
        if pool is None or not (await self._backend.observe(pool.value)).ready:
            return
        tenants = await self._tenants(use.name)
        for instance in tenants:
            try:
                await self._ask(instance, denied=denied)
            except AddonkitError as error:
                report(f"{instance.name}: its disk is {use.percent} % full, and writes cannot be limited: {error}")
                return
        if use.denied is not denied:
            await self._store.transact(lambda tx: _record_denied(tx, use.name, denied=denied))
            report(_told(use, tenants, denied=denied))

    async def _ask(self, instance: Instance, *, denied: bool) -> None:
        addon = addon_of(self._registry, instance, "limit")
        if "limit_writes" in addon.capabilities:
            saga = addon.limit_writes(instance, denied=denied)
            await self._engine.ensure(once_id("limit", instance.id), saga, subject=subject_of(instance))

    async def _tenants(self, server_id: str) -> list[Instance]:
        found = [entity.value for entity in await self._store.list(Instance, {"server": server_id})]
        return [each for each in found if each.phase is Phase.ACTIVE]


def _record_denied(tx: Transaction, name: str, *, denied: bool) -> None:
    entity = tx.get(StorageUse, name)
    if entity is not None:
        tx.put(entity, attrs.evolve(entity.value, denied=denied))


def _told(use: StorageUse, tenants: Sequence[Instance], *, denied: bool) -> str:
    names = ", ".join(each.name for each in tenants)
    if denied:
        return f"{names}: the disk is full ({use.words}): apps can read and delete, and write no more"
    return f"{names}: the disk has room again ({use.words}): apps can write"
