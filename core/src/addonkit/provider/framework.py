"""Verbs that addons' steps use: pools, services, disks. All idempotent under a caller-given name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.errors import CommandFailed, PoolCrashed, PoolTimeout, TransientError
from addonkit.models.address import Address
from addonkit.models.compute import (
    CreateSandboxPoolSpec,
    Disk,
    ExecResult,
    Pool,
    PoolState,
    Program,
    Service,
)
from addonkit.models.instance import Server
from addonkit.provider.pool_failures import check_probe, crashed, gone, hangs, hung, timed_out
from addonkit.provider.servers import Servers
from addonkit.provider.service_addresses import find_address
from addonkit.util.text import error_line
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from pathlib import Path

    from addonkit.compute.interface import Backend
    from addonkit.provider.certificates import Certificates
    from addonkit.store.interface import Reader, Store, Transaction
    from addonkit.util.clock import Clock

DEFAULT_WAIT: Final = 300.0
"""Seconds that waiting for a pool or an address takes at most, when the caller does not say."""

PATIENCE: Final = 5.0
"""Seconds that a server which runs has to answer before it is worked on."""

FIRST_POLL: Final = 0.004
POLL: Final = 0.03
"""Seconds between two looks at a pool that is waited for: at first, and at most."""


@frozen
class ServerPlace:
    """A server and where it answers.

    Attributes:
        server: its record.
        address: of its service.
        socket: path of its Unix socket; empty when it makes none.
    """

    server: Server
    address: Address
    socket: str


class ProviderFramework:
    """The verbs that a step receives as `framework`.

    The desired state is recorded in the store first, for the controller to keep; the backend then
    brings it about.

    Attributes:
        servers: which server an instance lives on, and who shares it.
    """

    def __init__(self, store: Store, backend: Backend, clock: Clock, home: Path) -> None:
        self._store = store
        self._backend = backend
        self._clock = clock
        self._home = home
        self.servers = Servers(store)

    @cached_property
    def certificates(self) -> Certificates:
        """Signs those of servers that listen for other machines; imported when one does."""
        from addonkit.provider.certificates import Certificates as Made

        return Made(self._store, self._home, self._clock)

    async def certify(self, server: Server) -> Server:
        """Return a server with a certificate, which is signed and recorded if it needs one and has none.

        Raises:
            ComputeError: the file with which clients verify it cannot be written.
        """
        if not server.listen or server.certificate is not None:
            return server
        return await self.servers.set_certificate(server.id, await self.certificates.issue(server.listen))

    async def check_listens(self, server: Server | None) -> None:
        """Make sure that a server that was started listens where other machines are to reach it, if they are.

        Raises:
            ComputeError: it does not.
        """
        if server is not None and server.listen:
            from addonkit.provider.listening import check_listens

            await asyncio.to_thread(check_listens, server, await self.check_pool(server.id))

    async def create_sandbox_pool(self, spec: CreateSandboxPoolSpec) -> Pool:
        """Record the pool and start its copies; does not wait for them.

        The same name is the same pool: a second call changes nothing, or brings a changed spec into force
        at the next start.

        Raises:
            InvalidInput: when its probe asks a port that it does not have.
            NoFreePort: when the backend has none left.
            PoolCrashed: when a new disk cannot be prepared, or the server ended too often.
        """
        check_probe(spec)
        entity = await self._store.get(Pool, spec.name)
        known = attrs.evolve(entity.value, spec=spec) if entity else Pool(spec.name, spec, self._backend.name)
        placed = await self._backend.place(known)
        pool = await self._store.transact(lambda tx: _record(tx, placed))
        await self._backend.ensure_running(pool)
        return pool

    async def start_pool(self, name: str, timeout: float = DEFAULT_WAIT) -> PoolState:
        """Make sure that a copy runs; return its state when it is ready to serve, see wait_for_pool.

        Raises:
            PoolGone, PoolCrashed, PoolTimeout: see wait_for_pool.
        """
        pool = await self._desire(name, 1)
        state = await self._backend.ensure_running(pool)
        return state if state.ready else (await self._wait(name, timeout))[1]

    async def wait_for_pool(self, name: str, timeout: float = DEFAULT_WAIT) -> Pool:
        """Return when a copy is ready to serve.

        `timeout` is in seconds; a pool's own `port_wait_timeout` shortens it. A server that has had its time hangs:
        it is waited for shortly.

        Raises:
            PoolGone: the pool was deleted meanwhile.
            PoolCrashed: the server ended; the end of its log is in the message.
            PoolTimeout: it runs but is not ready; the end of its log is in the message.
        """
        return (await self._wait(name, timeout))[0]

    async def _wait(self, name: str, timeout: float) -> tuple[Pool, PoolState]:
        pool = await self._pool(name)
        limit = min(timeout, pool.spec.port_wait_timeout)
        deadline = self._clock.monotonic() + limit
        first, has_hung = True, False
        pause = FIRST_POLL
        while True:
            state = await self._backend.observe(pool)
            if state.ready:
                return pool, state
            if state.problem:
                raise PoolCrashed(f"starting server {name}", state.problem)
            if state.started and not state.running:
                raise crashed(name, state)
            if first and hangs(pool, state):
                has_hung, deadline = True, min(deadline, self._clock.monotonic() + PATIENCE)
            first = False
            if self._clock.monotonic() >= deadline:
                raise hung(name) if has_hung else timed_out(pool, limit, state)
            await self._clock.sleep(pause)
            pause = min(POLL, pause * 1.5)
            pool = await self._pool(name)

    async def check_pool(self, name: str, timeout: float = PATIENCE) -> PoolState:
        """Return the state of a pool that serves; the backend has seen its own process behind the address.

        A pool that runs has `timeout` seconds to answer.

        Raises:
            PoolGone: the pool was deleted.
            TransientError: it does not run, does not answer yet, or another process has its address.
            PoolTimeout: it has had its time to start, and does not answer.
        """
        deadline = self._clock.monotonic() + timeout
        while True:
            pool = await self._pool(name)
            state = await self._backend.observe(pool)
            if state.ready:
                return state
            if not state.running:
                raise TransientError(f"working on server {name}", "it does not run")
            if self._clock.monotonic() >= deadline:
                if hangs(pool, state):
                    raise hung(name)
                raise TransientError(f"working on server {name}", "it runs but does not answer as this server would")
            await self._clock.sleep(POLL)

    async def scale_pool(self, name: str, desired: int) -> Pool:
        """Set how many copies should run, and make it so. A deleted pool raises PoolGone."""
        pool = await self._desire(name, desired)
        await self._backend.ensure_running(pool)
        return pool

    async def restart_pool(self, name: str) -> None:
        """End the copies and start them anew, without waiting until they serve. All the while they should run.

        Raises:
            PoolGone: the pool was deleted.
            PoolCrashed: it does not start.
        """
        pool = await self._pool(name)
        await self._backend.ensure_running(attrs.evolve(pool, spec=attrs.evolve(pool.spec, desired_instances=0)))
        await self._backend.ensure_running(pool)

    async def change_server(
        self, server_id: str, change: Callable[[Server], Server], pool_of: Callable[[Server], CreateSandboxPoolSpec]
    ) -> None:
        """Record a change of a server: what it is made of, its pool, and the size of its disk, in one transaction.

        A server that runs goes on as it is: `restart_pool` brings what it reads at its start into force.

        Args:
            server_id: of the server.
            change: gives the record afterwards; pure.
            pool_of: gives the pool of a server; pure.

        Raises:
            PoolGone: the server was deleted.
        """

        def decide(tx: Transaction) -> None:
            entity, pool = tx.get(Server, server_id), tx.get(Pool, server_id)
            if entity is None or pool is None:
                raise gone(server_id)
            changed = change(entity.value)
            spec = pool_of(changed)
            check_probe(spec)
            kept = attrs.evolve(spec, desired_instances=pool.value.spec.desired_instances)
            tx.put(entity, changed)
            tx.put(pool, attrs.evolve(pool.value, spec=kept))
            for volume in spec.volumes:
                disk = tx.get(Disk, volume.disk)
                if disk is not None and disk.value.size_gb != volume.size_gb:
                    tx.put(disk, attrs.evolve(disk.value, size_gb=volume.size_gb))

        await self._store.transact(decide)

    async def locate_server(self, server_id: str) -> ServerPlace:
        """Return the record of a server and where it answers, without a look at the server itself.

        Raises:
            TransientError: it has no record, or no address yet.
            PoolGone: its pool was deleted.
        """

        def look(tx: Reader) -> ServerPlace:
            server, pool = tx.get(Server, server_id), tx.get(Pool, server_id)
            if server is None:
                raise TransientError(f"working on server {server_id}", "its record is gone")
            if pool is None:
                raise gone(server_id)
            address = find_address(tx, server_id)
            if address is None:
                raise _no_address(server_id)
            return ServerPlace(server.value, address, self._backend.socket_path(pool.value))

        return await self._store.read(look)

    async def write_files(self, name: str, spec: CreateSandboxPoolSpec) -> None:
        """Write the files of a server's program while it runs, as a start of the pool with this spec would.

        The spec is not recorded: `change_server` does that.

        Raises:
            PoolGone: the pool was deleted.
            ComputeError: one cannot be written.
        """
        await self._backend.write_files(attrs.evolve(await self._pool(name), spec=spec))

    async def get_socket_path(self, name: str) -> str:
        """Return the path of the Unix socket of a pool's server, which need not run now; empty when it makes none.

        Raises:
            PoolGone: the pool was deleted.
        """
        return self._backend.socket_path(await self._pool(name))

    async def is_stopped(self, name: str) -> bool:
        """Return whether a pool exists and no copies of it should run."""
        entity = await self._store.get(Pool, name)
        return entity is not None and entity.value.spec.desired_instances == 0

    async def delete_sandbox_pool(self, name: str) -> None:
        """Stop the copies gracefully and forget the pool. Does nothing if it does not exist; keeps disks."""

        def stop(tx: Transaction) -> Program | None:
            entity = tx.get(Pool, name)
            if entity is None:
                return None
            if entity.value.spec.desired_instances:
                spec = attrs.evolve(entity.value.spec, desired_instances=0)
                tx.put(entity, attrs.evolve(entity.value, spec=spec))
            return entity.value.spec.program

        # Recorded in the store first, so that no other controller starts it again meanwhile.
        await self._backend.remove(name, await self._store.transact(stop))
        await self._store.transact(lambda tx: tx.delete(Pool, name))

    async def create_service(self, name: str, match_labels: Mapping[str, str], port: int) -> Service:
        """Record an address in front of the pools that carry all these labels."""

        def decide(tx: Transaction) -> Service:
            service = Service(name, dict(match_labels), port)
            entity = tx.get(Service, name)
            return tx.create(name, service).value if entity is None else tx.put(entity, service).value

        return await self._store.transact(decide)

    async def get_service_address(self, name: str) -> Address:
        """Return the address of the service.

        Raises:
            TransientError: when no pool that matches has an address yet.
        """
        address = await self._find_address(name)
        if address is None:
            raise _no_address(name)
        return address

    async def wait_for_service_address(self, name: str, timeout: float = DEFAULT_WAIT) -> Address:
        """Return when the service has an address.

        Raises:
            PoolTimeout: after `timeout` seconds.
        """
        deadline = self._clock.monotonic() + timeout
        while (address := await self._find_address(name)) is None:
            if self._clock.monotonic() >= deadline:
                raise PoolTimeout(f"waiting for the address of service {name}", f"none after {timeout:g} s")
            await self._clock.sleep(POLL)
        return address

    async def delete_service(self, name: str) -> None:
        """Forget the service. Does nothing if it does not exist."""
        await self._store.transact(lambda tx: tx.delete(Service, name))

    async def create_disk(self, name: str, size_gb: int) -> Disk:
        """Make a disk of `size_gb` gibibytes; one that is there is kept as it is."""
        disk = Disk(name, size_gb, self._backend.name)

        def decide(tx: Transaction) -> Disk:
            entity = tx.get(Disk, name)
            return tx.create(name, disk).value if entity is None else entity.value

        recorded = await self._store.transact(decide)
        await self._backend.ensure_disk(recorded)
        return recorded

    async def disk_usage(self, name: str) -> int:
        """Return how many bytes the data of a disk take; 0 when there is no such disk."""
        return await self._backend.disk_usage(name)

    async def delete_disk_by_name(self, name: str) -> None:
        """Remove the disk and all its data. Does nothing if it does not exist."""
        await self._backend.delete_disk(name)
        await self._store.transact(lambda tx: tx.delete(Disk, name))

    async def exec_in_pool(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        timeout: float = 120.0,
    ) -> ExecResult:
        """Run a command beside the pool's server and return its output. Never put a secret in `argv`.

        Raises:
            CommandFailed: when it ends with another status than 0; names the first word only.
        """
        pool = await self._pool(name)
        result = await self._backend.exec_in_pool(pool, argv, env or {}, timeout)
        if result.status:
            found = f"status {result.status}: {error_line(result.stderr)}"
            raise CommandFailed(f"running {argv[0]} beside {name}", found)
        return result

    @asynccontextmanager
    async def pipe_in_pool(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        content: AsyncIterable[bytes] | None = None,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Run a command beside the pool's server, stream `content` into it, and give its output as it comes.

        For dumps and the like: neither is ever held in memory. Never put a secret in `argv`. `{scratch}` in it becomes
        the path of an empty private folder. The folder is removed when the command has ended, however it ended.

        Raises:
            CommandFailed: at the end of the block, when the command ends with another status than 0.
            Exception: what `content` raised.
        """
        pool = await self._pool(name)
        async with self._backend.pipe_in_pool(pool, argv, env or {}, content) as output:
            yield output

    async def _desire(self, name: str, desired: int) -> Pool:
        """Record how many copies should run; writes nothing when that is so already."""
        pool = await self._pool(name)
        if pool.spec.desired_instances == desired:
            return pool

        def decide(tx: Transaction) -> Pool:
            entity = tx.get(Pool, name)
            if entity is None:
                raise gone(name)
            spec = attrs.evolve(entity.value.spec, desired_instances=desired)
            return tx.put(entity, attrs.evolve(entity.value, spec=spec)).value

        return await self._store.transact(decide)

    async def _pool(self, name: str) -> Pool:
        entity = await self._store.get(Pool, name)
        if entity is None:
            raise gone(name)
        return entity.value

    async def _find_address(self, name: str) -> Address | None:
        return await self._store.read(lambda tx: find_address(tx, name))


def _no_address(name: str) -> TransientError:
    return TransientError(f"cannot tell the address of service {name}", "no pool behind it has one yet")


def _record(tx: Transaction, placed: Pool) -> Pool:
    """Record a pool and where the backend placed it; writes nothing when that is so already."""
    entity = tx.get(Pool, placed.name)
    if entity is None:
        return tx.create(placed.name, placed).value
    wanted = attrs.evolve(entity.value, spec=placed.spec, host=placed.host, ports=placed.ports)
    return entity.value if wanted == entity.value else tx.put(entity, wanted).value
