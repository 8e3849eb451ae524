"""Checks servers: those without an instance, those that are down or hang, and files and processes of unknown ones."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from addonkit.errors import ComputeError
from addonkit.models.compute import Disk, Pool, PoolState, SharedUser
from addonkit.models.instance import Instance, Server, ServerPhase
from addonkit.models.views import Finding
from addonkit.provider.server_sagas import removal_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from addonkit.compute.interface import Backend
    from addonkit.provider.framework import ProviderFramework
    from addonkit.store.interface import Store
    from addonkit.store.leases import Leases

HUNG_AFTER: Final = 10.0
"""Seconds that a server has to answer before it is said to hang."""


class ServerChecks:
    """Compares servers as they are stored with what runs."""

    def __init__(self, store: Store, leases: Leases, backend: Backend, framework: ProviderFramework) -> None:
        self._store = store
        self._leases = leases
        self._backend = backend
        self._framework = framework

    async def check_servers(self) -> list[Finding]:
        """Return a finding for each server that no instance needs, or that does not serve though it should."""
        tenants: dict[str, list[str]] = {}
        for each in await self._store.list(Instance):
            tenants.setdefault(each.value.server, []).append(each.value.name)
        servers = [each.value for each in await self._store.list(Server)]
        # Side by side: a server that hangs is waited for once, and keeps no other waiting.
        found = await asyncio.gather(*(self._check(server, tenants.get(server.id, ())) for server in servers))
        return [finding for findings in found for finding in findings]

    async def check_unknown(self) -> list[Finding]:
        """Return a finding for each process or disk of the home that belongs to no server."""
        servers = {each.name for each in await self._store.list(Server)}
        pools = {*await self._backend.pools_here(), *(each.name for each in await self._store.list(Pool))}
        disks = {*await self._backend.disks_here(), *(each.name for each in await self._store.list(Disk))}
        problem = "no server of this name is known"
        return [
            *(Finding("orphan-process", n, problem, "stop it and remove its files") for n in sorted(pools - servers)),
            *(Finding("orphan-disk", name, problem, "remove it with its data") for name in sorted(disks - servers)),
        ]

    async def serves(self, server_id: str) -> bool:
        """Return whether a server answers its probe now."""
        pool = await self._store.get(Pool, server_id)
        return pool is not None and bool((await self._backend.observe(pool.value)).ready)

    async def _check(self, server: Server, tenants: Sequence[str]) -> list[Finding]:
        if not tenants:
            return await self._check_left(server)
        if server.phase is not ServerPhase.ACTIVE:
            return []  # its instances are on their way; the finding is about them
        pool = await self._store.get(Pool, server.id)
        names = ", ".join(sorted(tenants))
        if pool is None:
            return [_down(names, server, "it was never started")]
        return await self._check_pool(pool.value, names, server)

    async def _check_pool(self, pool: Pool, names: str, server: Server) -> list[Finding]:
        state = await self._backend.observe(pool)
        strangers = [Finding("port-taken", names, f"{each}; end that process") for each in state.strangers]
        if not pool.spec.desired_instances:
            return strangers  # stopped on purpose
        if state.running and not state.ready:
            state = await self._once_started(pool)
        if not state.ready:
            return [*strangers, self._not_ready(state, names, server)]
        newer = await self._backend.newer_program(pool, state)
        return [*strangers, *_outdated(names, server, newer), *_shares_user(names, server, state.shared_user)]

    def _not_ready(self, state: PoolState, names: str, server: Server) -> Finding:
        if state.problem:
            return Finding("server-elsewhere", names, f"its server cannot be used from here: {state.problem}")
        if not state.running:
            return _down(names, server, "; ".join(state.strangers) or _last_words(state) or "it ended")
        problem = f"its server runs and does not answer; run `addonkit restart {names.partition(',')[0]}`"
        return Finding("server-hung", names, problem, "restart it", key=server.id)

    async def _once_started(self, pool: Pool) -> PoolState:
        """Return what is seen of a server that may just be starting, after it had time for that."""
        with suppress(ComputeError):
            await self._framework.wait_for_pool(pool.name, HUNG_AFTER)
        return await self._backend.observe(pool)

    async def _check_left(self, server: Server) -> list[Finding]:
        if await self._leases.is_held(f"execution/{removal_id(server.id)}"):
            return []
        problem = f"no instance lives on this {server.addon} server"
        return [Finding("orphan-server", server.id, problem, "remove it with its data")]


def _shares_user(names: str, server: Server, user: SharedUser | None) -> list[Finding]:
    if user is None:
        return []
    how = f"{user.first}, then `addonkit restart" if user.first else "run `addonkit restart"
    problem = f"its server runs as {user.name}, as other programs may; {how} {names.partition(',')[0]}`"
    return [Finding("shared-user", names, problem, "" if user.first else "restart it", key=server.id)]


def _outdated(names: str, server: Server, newer: str) -> list[Finding]:
    if not newer:
        return []
    how = f"run `addonkit restart {names.partition(',')[0]}` to take version {newer}"
    problem = f"its server runs an older program than is installed; {how}"
    return [Finding("server-outdated", names, problem, "restart it", key=server.id)]


def _down(names: str, server: Server, reason: str) -> Finding:
    return Finding("server-down", names, f"its server is down: {reason}", "start it", key=server.id)


def _last_words(state: PoolState) -> str:
    lines = [line for line in state.log_tail.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
