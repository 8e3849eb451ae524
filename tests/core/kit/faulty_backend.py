"""A backend and a server addon that live in memory and fail exactly when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs

from addonkit import (
    AddonDefinition,
    ConnectionInfo,
    Disk,
    ExecResult,
    Pool,
    PoolCrashed,
    Probe,
    Program,
    ProgramSource,
    Progress,
    Secret,
    Server,
    ServerAccess,
    ServerAddon,
    Tenant,
    Tenants,
    TransientError,
    Variable,
    VariantDefinition,
)
from addonkit.models.compute import FoundProgram, PoolState
from addonkit.models.health import Answer, Asked, Health

SOURCE = ProgramSource(("kvd",))

KINDS = ("passes", "crashes", "os", "bug")
"""What a fault may raise, see `_error`."""


def _error(kind: str) -> Exception:
    match kind:
        case "passes":
            return TransientError("asking the machine", "busy for a moment")
        case "crashes":
            return PoolCrashed("starting the server", "it ended")
        case "os":
            return OSError(5, "Input/output error")
        case _:
            return KeyError("no such thing")


@attrs.define
class Fault:
    """One fault, or several in a row.

    Attributes:
        verb: of the backend or of the tenants.
        after: raised after the effect, instead of before it.
        kind: see KINDS.
        left: how often it is still raised.
    """

    verb: str
    after: bool
    kind: str
    left: int


class Machine:
    """The world outside: disks with data, servers that run, tenants on them. Survives the commands."""

    def __init__(self) -> None:
        self.disks: dict[str, dict[str, str]] = {}
        self.running: set[str] = set()
        self.ports: dict[str, int] = {}
        self.faults: list[Fault] = []
        self.raised = 0

    async def do(self, verb: str, effect: Callable[[], Any]) -> Any:
        """Have an effect, or fail before or after it."""
        await asyncio.sleep(0)
        self._fail(verb, after=False)
        result = effect()
        self._fail(verb, after=True)
        return result

    def _fail(self, verb: str, *, after: bool) -> None:
        for fault in self.faults:
            if (fault.verb, fault.after) == (verb, after) and fault.left > 0:
                fault.left -= 1
                self.raised += 1
                raise _error(fault.kind)


class FaultyBackend:
    """See Backend."""

    name = "process"
    runs_images = False

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def find_programs(self, _definition: AddonDefinition) -> tuple[FoundProgram, ...]:
        return (FoundProgram("/nowhere", "1", "PATH"),)

    def runnable_version(self, _definition: AddonDefinition, requested: str, *_more: Any, **_named: Any) -> str:
        return requested or "1"

    async def ensure_disk(self, disk: Disk) -> None:
        await self._machine.do("ensure_disk", lambda: self._machine.disks.setdefault(disk.name, {}))

    async def delete_disk(self, name: str) -> None:
        await self._machine.do("delete_disk", lambda: self._machine.disks.pop(name, None))

    async def place(self, pool: Pool) -> Pool:
        port = self._machine.ports.setdefault(pool.name, 20_000 + len(self._machine.ports))
        placed = attrs.evolve(pool, host="127.0.0.1", ports={each.name: port for each in pool.spec.ports})
        return await self._machine.do("place", lambda: placed)

    async def ensure_running(
        self, pool: Pool, *, wanted: Callable[[], Awaitable[bool]] | None = None, **_named: Any
    ) -> PoolState:
        if wanted is not None and not await wanted():
            return await self.observe(pool)

        def effect() -> None:
            if pool.spec.desired_instances:
                self._machine.running.add(pool.name)
            else:
                self._machine.running.discard(pool.name)

        await self._machine.do("ensure_running", effect)
        return await self.observe(pool)

    async def ask(self, watched: Sequence[tuple[Pool, PoolState]]) -> Sequence[Asked]:
        return [Asked(Answer.READY if (await self.observe(pool)).ready else Answer.REFUSED) for pool, _ in watched]

    async def examine(self, pool: Pool, _state: PoolState) -> Health:
        return Health.READY if (await self.observe(pool)).ready else Health.REFUSES

    async def observe(self, pool: Pool) -> PoolState:
        count = int(pool.name in self._machine.running)
        return PoolState(running=count, ready=count, started=True)

    async def remove(self, name: str, *_more: Any, **_named: Any) -> None:
        await self._machine.do("remove", lambda: self._machine.running.discard(name))

    async def write_files(self, pool: Pool) -> None:
        await self._machine.do("write_files", lambda: self._machine.running.add(pool.name))

    async def exec_in_pool(
        self, _pool: Pool, _argv: Sequence[str], _env: Mapping[str, str], _timeout: float
    ) -> ExecResult:
        return ExecResult(0, "", "")

    @asynccontextmanager
    async def pipe_in_pool(
        self, _pool: Pool, _argv: Sequence[str], _env: Mapping[str, str], _content: AsyncIterable[bytes] | None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        raise AssertionError("nothing here has data")
        yield

    async def disk_usage(self, _name: str) -> int:
        return 0

    async def newer_program(self, _pool: Pool, _state: PoolState) -> str:
        return ""

    def log_path(self, name: str) -> str:
        return f"/nowhere/{name}"

    def socket_path(self, _pool: Pool) -> str:
        return ""

    async def close(self) -> None:
        """Keep the machine as it is."""

    async def pools_here(self) -> tuple[str, ...]:
        return tuple(sorted(self._machine.running))

    async def disks_here(self) -> tuple[str, ...]:
        return tuple(sorted(self._machine.disks))

    async def space(self) -> None:
        return None


class MemoryTenants(Tenants):
    """Tenants as entries of their server's disk: name to owner."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Make the entry."""
        del password

        def effect() -> None:
            found = self._machine.disks[access.server.id].setdefault(tenant.claim, tenant.owner)
            assert found == tenant.owner, f"{tenant.claim} belongs to {found}"

        await self._machine.do("create_tenant", effect)

    async def remove_tenant(self, access: ServerAccess, tenant: Tenant, progress: Progress) -> None:
        """Remove the entry."""
        del progress
        await self._machine.do("remove_tenant", lambda: self._machine.disks[access.server.id].pop(tenant.claim, None))

    async def list_claims(self, access: ServerAccess) -> tuple[str, ...]:
        """List the entries."""
        return tuple(self._machine.disks[access.server.id])

    async def drop_claim(self, access: ServerAccess, claim: str, progress: Progress) -> None:
        """Remove an entry without an owner."""
        del progress
        self._machine.disks[access.server.id].pop(claim, None)


def addon(machine: Machine) -> ServerAddon:
    """An addon with a dedicated and a shared variant."""

    def program(server: Server) -> Program:
        return Program(SOURCE, server.version, ("kvd",), Probe("kv", "", ("OK",)))

    def variables(info: ConnectionInfo) -> tuple[Variable, ...]:
        return (Variable("KV_URL", info.url("kv", user=info.claim)), Variable("KV_NAME", info.claim))

    variants = (
        VariantDefinition("small", config={"storage": "1Gi"}),
        VariantDefinition("shared", config={"storage": "1Gi"}),
    )
    definition = AddonDefinition("kv", "KV", "A store", "small", variants, default_version="1", program=SOURCE)
    return ServerAddon(
        definition=definition, port=7, program=program, variables=variables, tenants=MemoryTenants(machine)
    )
