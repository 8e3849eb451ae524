"""Keeps servers as they should be: what should run is started again, what should be gone is removed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.controller.attempts import close_attempts
from addonkit.errors import AddonkitError, PoolCrashed, PoolTimeout
from addonkit.models.compute import Pool, PoolState
from addonkit.models.instance import Server, ServerPhase
from addonkit.provider.server_sagas import ensure_id, removal_id
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from collections.abc import Collection

    from addonkit.compute.interface import Backend
    from addonkit.engine.engine import Engine
    from addonkit.provider.framework import ProviderFramework
    from addonkit.store.interface import Store
    from addonkit.store.leases import Leases

START_WAIT: Final = 10.0
"""Seconds that a command which does not need a server waits for its start."""

SHORT_WAIT: Final = 5.0
"""Seconds that a command waits for a server that it needs, runs for long, and does not answer."""


@frozen
class HealReport:
    """The servers that were down, and what came of starting them.

    Attributes:
        started: servers that were down and serve again.
        failed: server to the reason why it does not.
    """

    started: tuple[str, ...] = ()
    failed: dict[str, str] = attrs.field(factory=dict)


async def remove_server(framework: ProviderFramework, engine: Engine, server_id: str) -> None:
    """Remove a server with all its data, and end what still made or removed it. Does nothing if it doesn't exist."""
    await framework.delete_service(server_id)
    await framework.delete_sandbox_pool(server_id)
    await framework.delete_disk_by_name(server_id)
    await framework.servers.forget(server_id)
    await close_attempts(engine, (removal_id(server_id), ensure_id(server_id)))


class PoolReconciler:
    """Starts pools of active servers that do not run: after a crash, a kill or a reboot.

    Also removes servers without tenants whose removal was interrupted.
    """

    def __init__(
        self, store: Store, backend: Backend, framework: ProviderFramework, leases: Leases, engine: Engine
    ) -> None:
        self._store = store
        self._backend = backend
        self._framework = framework
        self._leases = leases
        self._engine = engine

    async def heal(self, only: Collection[str] | None = None) -> HealReport:
        """Look at every server (or `only` those): start what is down and wait until it serves, remove what is left.

        Never raises for a server: what stands against one is its own reason in the answer.
        """
        if only is None:
            await self.remove_abandoned()
        servers = [e.name for e in await self._store.list(Server, {"phase": ServerPhase.ACTIVE})]
        wanted = [name for name in servers if only is None or name in only]
        outcomes = await asyncio.gather(*(self._heal_one(name, patient=only is not None) for name in wanted))
        started = tuple(name for name, outcome in zip(wanted, outcomes, strict=True) if outcome == "started")
        failed = {n: o for n, o in zip(wanted, outcomes, strict=True) if o not in {"", "started"}}
        return HealReport(started, failed)

    async def remove_abandoned(self) -> None:
        """Remove servers whose removal was interrupted."""
        for entity in await self._store.list(Server, {"phase": ServerPhase.REMOVING}):
            await self._remove_abandoned(entity.name)

    async def _remove_abandoned(self, name: str) -> None:
        if await self._leases.is_held(f"execution/{removal_id(name)}"):
            return
        # What cannot be removed now is found again: by the next command, and by `addonkit doctor`.
        with contextlib.suppress(Exception):
            await remove_server(self._framework, self._engine, name)

    async def stop_all(self) -> dict[str, str]:
        """Stop every server, without a word in the store: the next command that needs one starts it again.

        Returns:
            Server to the reason why it still runs.
        """
        pools = [entity.value for entity in await self._store.list(Pool)]
        outcomes = await asyncio.gather(*(self._stop_one(pool) for pool in pools))
        return {pool.name: reason for pool, reason in zip(pools, outcomes, strict=True) if reason}

    async def _stop_one(self, pool: Pool) -> str:
        stopped = attrs.evolve(pool, spec=attrs.evolve(pool.spec, desired_instances=0))
        try:
            await self._backend.ensure_running(stopped)
        except Exception as error:  # noqa: BLE001 - one server's failure, whatever it is, is not that of the others
            return reason_of(error)
        return ""

    async def _heal_one(self, name: str, *, patient: bool) -> str:
        """Return empty when all is well, `started`, or why it does not serve."""
        try:
            entity = await self._store.get(Pool, name)
            if entity is None or not entity.value.spec.desired_instances:
                return ""
            state = await self._backend.observe(entity.value)
            if state.ready:
                return ""
            if state.problem:
                return f"cannot use server {name}: {state.problem}"
            if state.running:
                return await self._wait_for_answer(entity.value, state, patient=patient)
            return await self._start(entity.value, patient=patient)
        except Exception as error:  # noqa: BLE001 - one server's failure, whatever it is, is not that of the others
            return reason_of(error)

    async def _start(self, pool: Pool, *, patient: bool) -> str:
        await self._backend.ensure_running(pool, wanted=lambda: self._wanted(pool.name))
        if not await self._wanted(pool.name):
            return ""
        try:
            await self._framework.wait_for_pool(pool.name, pool.spec.port_wait_timeout if patient else START_WAIT)
        except PoolTimeout:
            if patient:
                raise
            return f"server {pool.name} was started and does not answer yet"
        return "started"

    async def _wait_for_answer(self, pool: Pool, state: PoolState, *, patient: bool) -> str:
        """Wait for a server that was started lately; one that ends meanwhile is started again.

        One that has had its time hangs: it is waited for shortly, and only by a command that needs it.
        """
        left = pool.spec.port_wait_timeout - (state.age or 0.0) if state.age is not None else SHORT_WAIT
        if left <= 0 and not patient:
            return f"server {pool.name} runs and does not answer"
        try:
            await self._framework.wait_for_pool(pool.name, max(left, SHORT_WAIT) if patient else SHORT_WAIT)
        except PoolTimeout:
            return f"server {pool.name} runs and does not answer"
        except PoolCrashed:
            return await self._start(pool, patient=patient)
        return ""

    async def _wanted(self, name: str) -> bool:
        """Asked while the backend holds the pool's lock: a deletion is written to the store first."""
        entity = await self._store.get(Pool, name)
        return entity is not None and entity.value.spec.desired_instances > 0


def reason_of(error: Exception) -> str:
    """Return what is said of an error that is one server's, or one instance's, and not everybody's."""
    return str(error) if isinstance(error, AddonkitError) else f"{type(error).__name__}: {error}"
