"""Keeps servers as they should be: what should run is started again, what should be gone is removed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.attempts import Attempts
from addonkit.errors import AddonkitError, PoolCrashed
from addonkit.models.compute import Pool
from addonkit.models.instance import Server, ServerPhase
from addonkit.provider.server_sagas import ensure_id, removal_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from addonkit.compute.interface import Backend
    from addonkit.engine.engine import Engine
    from addonkit.provider.framework import ProviderFramework
    from addonkit.store.interface import Store
    from addonkit.store.leases import Leases


@attrs.frozen
class Healed:
    """What was found down.

    Attributes:
        started: servers that were down and serve again.
        failed: server to the reason why it does not.
    """

    started: tuple[str, ...] = ()
    failed: dict[str, str] = attrs.field(factory=dict)


async def remove_server(framework: ProviderFramework, engine: Engine, server_id: str) -> None:
    """Remove a server with all its data, by name, and end what still made or removed it; what is gone is success."""
    await framework.delete_service(server_id)
    await framework.delete_sandbox_pool(server_id)
    await framework.delete_disk_by_name(server_id)
    await framework.servers.forget(server_id)
    await Attempts(engine).close((removal_id(server_id), ensure_id(server_id)))


class PoolKeeper:
    """Starts pools of active servers that do not run: after a crash, a kill or a reboot.

    And removes servers that all have left, where whoever was to remove them was interrupted.
    """

    def __init__(
        self, store: Store, backend: Backend, framework: ProviderFramework, leases: Leases, engine: Engine
    ) -> None:
        self._store = store
        self._backend = backend
        self._framework = framework
        self._leases = leases
        self._engine = engine

    async def heal(self, only: Collection[str] | None = None) -> Healed:
        """Look at every server (or `only` those): start what is down and wait until it serves, remove what is left."""
        leaving = await self._store.list(Server, {"phase": ServerPhase.REMOVING})
        for entity in leaving if only is None else ():
            await self._remove_abandoned(entity.name)
        servers = [e.name for e in await self._store.list(Server, {"phase": ServerPhase.ACTIVE})]
        wanted = [name for name in servers if only is None or name in only]
        outcomes = await asyncio.gather(*(self._heal_one(name) for name in wanted))
        started = tuple(name for name, outcome in zip(wanted, outcomes, strict=True) if outcome == "started")
        failed = {n: o for n, o in zip(wanted, outcomes, strict=True) if o not in {"", "started"}}
        return Healed(started, failed)

    async def _remove_abandoned(self, name: str) -> None:
        if await self._leases.is_held(f"execution/{removal_id(name)}"):
            return
        # What cannot be removed now is found again: by the next command, or by whoever looks with doctor.
        with contextlib.suppress(AddonkitError):
            await remove_server(self._framework, self._engine, name)

    async def _heal_one(self, name: str) -> str:
        """Empty when all is well, `started`, or why it does not serve."""
        entity = await self._store.get(Pool, name)
        if entity is None or not entity.value.spec.desired_instances:
            return ""
        try:
            if await self._serves(entity.value):
                return ""
            await self._backend.ensure_running(entity.value, wanted=lambda: self._wanted(name))
            if not await self._wanted(name):
                return ""
            await self._framework.wait_for_pool(name)
        except AddonkitError as error:
            return str(error)
        return "started"

    async def _serves(self, pool: Pool) -> bool:
        """Whether it is ready, or becomes so by itself: one that is just ending still runs."""
        state = await self._backend.observe(pool)
        if state.running and not state.ready:
            with contextlib.suppress(PoolCrashed):
                await self._framework.wait_for_pool(pool.name)
                return True
        return bool(state.ready)

    async def _wanted(self, name: str) -> bool:
        """Asked while the backend holds the pool's lock: whoever deletes a pool says so in the store first."""
        entity = await self._store.get(Pool, name)
        return entity is not None and entity.value.spec.desired_instances > 0
