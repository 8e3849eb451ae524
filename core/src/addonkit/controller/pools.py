"""Keeps servers running: what should run and does not is started again."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import attrs

from addonkit.errors import AddonkitError, PoolCrashed
from addonkit.models.compute import Pool
from addonkit.models.instance import Server, ServerPhase

if TYPE_CHECKING:
    from collections.abc import Collection

    from addonkit.compute.interface import Backend
    from addonkit.framework import ProviderFramework
    from addonkit.store.interface import Store


@attrs.frozen
class Healed:
    """What was found down.

    Attributes:
        started: servers that were down and serve again.
        failed: server to the reason why it does not.
    """

    started: tuple[str, ...] = ()
    failed: dict[str, str] = attrs.field(factory=dict)


class PoolKeeper:
    """Starts pools of active servers that do not run: after a crash, a kill or a reboot."""

    def __init__(self, store: Store, backend: Backend, framework: ProviderFramework) -> None:
        self._store = store
        self._backend = backend
        self._framework = framework

    async def heal(self, only: Collection[str] | None = None) -> Healed:
        """Look at every active server (or `only` those), start what is down, wait until it serves."""
        servers = [e.name for e in await self._store.list(Server, {"phase": ServerPhase.ACTIVE})]
        wanted = [name for name in servers if only is None or name in only]
        outcomes = await asyncio.gather(*(self._heal_one(name) for name in wanted))
        started = tuple(name for name, outcome in zip(wanted, outcomes, strict=True) if outcome == "started")
        failed = {n: o for n, o in zip(wanted, outcomes, strict=True) if o not in {"", "started"}}
        return Healed(started, failed)

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
