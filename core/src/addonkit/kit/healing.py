"""Starts servers that should run while a command does its work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from addonkit.controller.pools import HealReport

if TYPE_CHECKING:
    from addonkit.controller.pools import PoolReconciler
    from addonkit.controller.power import ServerPower

HEAD_START: Final = 3.0
"""Seconds that a command waits for servers to be started before it does its own work."""


@asynccontextmanager
async def healing(heal: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Heal for the length of the block, beside what it does. What cannot be healed is no failure of the block.

    Args:
        heal: starts what should run.
    """
    work = asyncio.ensure_future(heal())
    try:
        await asyncio.wait({work}, timeout=HEAD_START)
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


class Healer:
    """Starts servers that should run, and reports by the names of instances."""

    def __init__(self, pools: PoolReconciler, power: ServerPower) -> None:
        self._pools = pools
        self._power = power

    async def heal(self, app: str | None, *, without: Collection[str]) -> HealReport:
        """Start all servers that should run, or those that an app uses without the instances named.

        For an app, instances whose servers were stopped count as failed.
        """
        if app is None:
            return await self._heal_all()
        wanted = [each for each in await self._power.targets(app=app) if not set(each.chosen) <= {*without}]
        names = {each.server: each.chosen[0] for each in wanted}
        healed = _named(await self._pools.heal(names), names)
        stopped = await self._power.stopped(names)
        failed = {names[each]: f"it was stopped; run `addonkit start {names[each]}`" for each in stopped}
        return HealReport(healed.started, {**healed.failed, **failed})

    async def _heal_all(self) -> HealReport:
        healed = await self._pools.heal()
        targets = await self._power.targets() if healed.started or healed.failed else ()
        return _named(healed, {each.server: each.instances[0] for each in targets})


def _named(healed: HealReport, names: Mapping[str, str]) -> HealReport:
    """Return the report with names of instances in the place of their servers' ids."""
    failed = {names.get(server, server): reason for server, reason in healed.failed.items()}
    return HealReport(tuple(names.get(server, server) for server in healed.started), failed)
