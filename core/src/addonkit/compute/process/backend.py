"""The process backend, see compute.interface.

Below its home it keeps

    pools/<name>/run     private files of a server, and its home directory
    pools/<name>/sockets Unix sockets of a server, which it alone can make
    pools/<name>/log     what it wrote
    pools/<name>/rotating held by the process that bounds the log
    pools/<name>/record  which process it is
    pools/<name>/alive   the lock of a server without a disk
    disks/<name>/data    its data
    disks/<name>/lock    held by the server for life
    prepared/<name>      that the disk holds data, see disk_records
    ports/<number>       which pool has the port
    templates/<key>      prepared disks that are copied for new servers
    uids/<number>        which server has the uid
    programs/            copies of programs, where a service user could not reach the originals
    locks/<name>         held while a pool is started, stopped or removed
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.compute.process.disks import Disks, check_space, size_of_tree, space_of
from addonkit.compute.process.failures import as_failure_of
from addonkit.compute.process.layout import Layout, check_name, program_of
from addonkit.compute.process.listeners import PortUse, look_at_port
from addonkit.compute.process.liveness import ELSEWHERE, STOP_THERE, Liveness, judge, keep_locked
from addonkit.compute.process.lock import locked
from addonkit.compute.process.logs import BEGINNING, ensure_rotated, tail
from addonkit.compute.process.open_files import working_in_removed
from addonkit.compute.process.ports import HOST, Ports, port_range
from addonkit.compute.process.probe import answers
from addonkit.compute.process.programs import Programs
from addonkit.compute.process.record import RunRecord, clear_start_history, read_record
from addonkit.compute.process.runnable import installed_executable, newer_version, runnable_version
from addonkit.compute.process.server_users import ServerUsers
from addonkit.compute.process.templates import templates_of
from addonkit.compute.process.user import ServiceUser
from addonkit.errors import Busy, CommandFailed, ComputeError, PoolCrashed
from addonkit.models.compute import Disk, DiskSpace, ExecResult, FoundProgram, Pool, PoolState, Program
from addonkit.models.definition import AddonDefinition, ProgramSource
from addonkit.util.concurrency import finish
from addonkit.util.files import remove_tree
from addonkit.util.home_identity import home_id
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.compute.process.starter import Starter
    from addonkit.models.health import Asked, Health

NAME: Final = "process"


_NOT_USED: Final = PortUse(ours=False)


@frozen
class Look:
    """The state of a pool's server, as seen from outside.

    Attributes:
        record: which process it is; None when it was never started.
        liveness: whether that runs.
        age: seconds since it was started last; None when that is not known.
        user: who it runs as; None for the user of this process.
        use: who has its port.
    """

    record: RunRecord | None = None
    liveness: Liveness = Liveness.ENDED
    age: float | None = None
    user: ServiceUser | None = None
    use: PortUse = _NOT_USED


class ProcessBackend:
    """Servers as processes of this machine, one copy a pool, on loopback.

    Args:
        home: directory that holds everything.
        environ: settings: ADDONKIT_PORTS, ADDONKIT_PROGRAMS, ADDONKIT_SERVICE_USER, ADDONKIT_SERVICE_UIDS, and PATH.
    """

    name = NAME
    runs_images = False

    def __init__(self, home: Path, *, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self._home = home
        self._users = ServerUsers(home / "uids", environ)
        self._ports = Ports(home / "ports", port_range(environ))
        self._disks = Disks(home / "disks", home / "prepared", self._users)
        self._programs = Programs(home / "programs", environ, self._users.example)
        self._layout = Layout(home, self._disks, self._users)
        self._templates = templates_of(home, environ)

    @cached_property
    def _starter(self) -> Starter:
        """Starts and stops servers; imported when a server is to be: most commands find theirs running."""
        from addonkit.compute.process.starter import Starter

        return Starter(self._layout, self._programs, self._ports, self._templates)

    def find_programs(self, definition: AddonDefinition) -> tuple[FoundProgram, ...]:
        """See Backend."""
        return self._programs.find(definition.program) if definition.program else ()

    def runnable_version(self, definition: AddonDefinition, requested: str) -> str:
        """See Backend. The answer has the precision of the request, so that minor upgrades are picked up."""
        self._users.check()
        check_space(self._home)
        return runnable_version(self._programs, definition, requested)

    def installed_program(self, program: ProgramSource, version: str) -> tuple[str, tuple[str, ...]]:
        """Return the executable that a start would take now, empty for none, and what that depends on. Blocking."""
        return installed_executable(self._programs, program, version)

    async def newer_program(self, pool: Pool, state: PoolState) -> str:
        """See Backend."""
        program = pool.spec.program
        if state.pid is None or program is None:
            return ""
        return await asyncio.to_thread(newer_version, self._programs, state.pid, program)

    async def ensure_disk(self, disk: Disk) -> None:
        """See Backend."""
        self._users.check()
        with as_failure_of(disk.name):
            await finish(self._disks.ensure, check_name(disk.name))

    async def disk_usage(self, name: str) -> int:
        """See Backend."""
        return await asyncio.to_thread(size_of_tree, self._disks.data(check_name(name)))

    async def delete_disk(self, name: str) -> None:
        """See Backend."""
        from addonkit.compute.process.starter import take_all
        from addonkit.compute.process.stop import workers_of

        attempted = f"cannot delete disk {check_name(name)}"
        with as_failure_of(name):
            server = await asyncio.to_thread(self._server_on, name)
            if server:
                raise Busy(attempted, f"server {server} runs on it", "remove that first")
            user = self._users.find(name, self._disks.data(name))
            workers = await workers_of(self._disks.data(name), user)
            if workers:
                raise Busy(attempted, f"process {workers[0]} works on it", "end that process first")
            lock = await take_all(self._disks.lock(name))
            if lock is None:
                raise Busy(attempted, ELSEWHERE, STOP_THERE)
            try:
                await finish(self._disks.delete, name)
            finally:
                for descriptor in lock:
                    os.close(descriptor)

    async def place(self, pool: Pool) -> Pool:
        """See Backend. New ports are held until the server listens, or the pool is removed."""
        names = tuple(port.name for port in pool.spec.ports)
        if pool.host and set(pool.ports) == set(names):
            return pool
        with as_failure_of(pool.name):
            ports = await finish(self._ports.take, pool.name, names)
        return attrs.evolve(pool, host=HOST, ports=ports)

    async def ensure_running(
        self, pool: Pool, *, wanted: Callable[[], Awaitable[bool]] | None = None, only: int | None = None
    ) -> PoolState:
        """See Backend."""
        with as_failure_of(pool.name):
            async with locked(self._layout.lock(pool.name), partial(self._layout.user_of, pool)) as lock:
                record = self._layout.record(pool.name)
                liveness = await asyncio.to_thread(self._judge, record, pool.name) if record else Liveness.ENDED
                running = liveness is Liveness.RUNS
                if wanted is not None and not await wanted():
                    if record is None:  # it was removed, with its lock, while we were on our way to it
                        self._layout.lock(pool.name).unlink(missing_ok=True)
                    return PoolState(running=int(running), started=record is not None)
                if liveness is Liveness.ELSEWHERE:
                    raise PoolCrashed(f"starting server {pool.name}", ELSEWHERE, STOP_THERE)
                if pool.spec.desired_instances == 0:
                    if record is not None and only in {None, record.server.pid}:
                        # Before the process ends: who looks then sees that it was stopped, and did not crash.
                        with suppress(OSError):  # on a full disk it can still be stopped
                            await asyncio.to_thread(clear_start_history, self._layout.record_path(pool.name), record)
                        await self._starter.stop(record, pool.name, pool.spec.program, liveness)
                    return PoolState(started=record is not None)
                if not running:
                    await self._starter.start(pool, record, lock)
                    begun = self._layout.record(pool.name)
                    return PoolState(running=1, started=True, pid=begun.server.pid if begun else None)
            return await self.observe(pool)

    async def observe(self, pool: Pool) -> PoolState:
        """See Backend. What stands against looking is the pool's `problem`."""
        try:
            return await self._observe(pool, await finish(self._look_at, pool))
        except OSError as error:
            return PoolState(started=True, problem=f"it cannot be looked at: {error}")

    async def ask(self, watched: Sequence[tuple[Pool, PoolState]]) -> Sequence[Asked]:
        """See Backend."""
        from addonkit.compute.process.health import ask_pools

        return await asyncio.to_thread(ask_pools, watched)

    async def examine(self, pool: Pool, state: PoolState) -> Health:
        """See Backend."""
        from addonkit.compute.process.health import examine_pool

        path = self._layout.socket(pool)
        listens = not path and (await finish(self._look_at, pool)).use.ours
        return await asyncio.to_thread(examine_pool, pool, path, state.pid, listens=listens)

    async def write_files(self, pool: Pool) -> None:
        """See Backend."""
        from addonkit.compute.process.launch_request import LaunchRequest, send_request

        async with locked(self._layout.lock(pool.name), partial(self._layout.user_of, pool)) as lock:
            plan = await self._starter.plan(pool)
            request = LaunchRequest(plan.user, plan.placeholders, write=plan.program.files)
            fault = await finish(send_request, request, (lock,))
        if fault:
            raise ComputeError(f"cannot write files of server {pool.name}", fault)

    async def remove(self, name: str, program: Program | None = None) -> None:
        """See Backend."""
        from addonkit.compute.process.stop import Terminator

        with as_failure_of(name):
            user = self._layout.user_on((), name)
            async with locked(self._layout.lock(name), lambda: user):
                record = self._layout.record(name)
                if record is not None:
                    liveness = await asyncio.to_thread(self._judge, record, name)
                    if liveness is Liveness.ELSEWHERE:
                        raise Busy(f"cannot remove server {name}", ELSEWHERE, STOP_THERE)
                    await self._starter.stop(record, name, program, liveness)
                await Terminator(self._home, user).end_removed(name)
                left = await finish(remove_tree, self._layout.pool(name))
                if left:
                    raise ComputeError(f"cannot remove the files of server {name}", left, "make them removable")
                await finish(self._ports.free, name)
                await finish(self._users.free, f"{name}/run")
                self._layout.lock(name).unlink(missing_ok=True)

    async def exec_in_pool(self, pool: Pool, argv: Sequence[str], env: Mapping[str, str], timeout: float) -> ExecResult:
        """See Backend."""
        from addonkit.compute.process.commands import run

        plan = await self._starter.plan(pool)
        try:
            return await run(
                plan.command(tuple(argv)),
                env=plan.environment() | dict(env),
                cwd=plan.run,
                user=plan.user,
                timeout=timeout,
            )
        except TimeoutError as error:
            raise CommandFailed(f"running {argv[0]} beside {pool.name}", f"it took over {timeout:g} s") from error

    @asynccontextmanager
    async def pipe_in_pool(
        self, pool: Pool, argv: Sequence[str], env: Mapping[str, str], content: AsyncIterable[bytes] | None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See Backend."""
        from addonkit.compute.process.pipes import piped
        from addonkit.compute.process.scratch import scratch_folder

        plan, attempted = await self._starter.plan(pool), f"running {argv[0]} beside {pool.name}"
        environment, placeholders = plan.environment() | dict(env), plan.placeholders
        async with AsyncExitStack() as stack:
            held: tuple[int, ...] = ()
            if any("{scratch}" in word for word in argv):
                scratch = await stack.enter_async_context(scratch_folder(environment, plan.user, attempted))
                placeholders, held = attrs.evolve(placeholders, scratch=scratch.folder), (scratch.held,)
            yield await stack.enter_async_context(
                piped(
                    plan.command(tuple(argv), placeholders),
                    env=environment,
                    cwd=plan.run,
                    user=plan.user,
                    content=content,
                    attempted=attempted,
                    keep_open=held,
                )
            )

    def log_path(self, name: str) -> str:
        """See Backend."""
        return str(self._layout.pool(name) / "log")

    def socket_path(self, pool: Pool) -> str:
        """See Backend."""
        return self._layout.socket(pool)

    async def close(self) -> None:
        """See Backend. Ports of servers that do not listen yet are not held any more."""
        self._ports.close()

    async def pools_here(self) -> tuple[str, ...]:
        """See Backend."""
        directory = self._home / "pools"
        here = {path.name for path in directory.iterdir()} if directory.exists() else set()
        return tuple(sorted(here | set(working_in_removed(self._home))))

    async def disks_here(self) -> tuple[str, ...]:
        """See Backend."""
        return self._disks.names()

    async def space(self) -> DiskSpace | None:
        """See Backend."""
        return await asyncio.to_thread(space_of, self._home)

    def _look_at(self, pool: Pool) -> Look:
        """Return what a look without the server's help shows; also ensures that its log is rotated. Blocking."""
        record = self._layout.record(pool.name)
        if record is None:
            return Look()
        liveness = self._judge(record, pool.name)
        age = time.time() - record.starts[-1] if record.starts else None
        if liveness is Liveness.ELSEWHERE:
            return Look(record, liveness, age)
        runs = liveness is Liveness.RUNS
        if runs and (age is None or age > BEGINNING):
            ensure_rotated(record.server, self._layout.pool(pool.name))
        user, port = self._layout.user_of(pool), pool.ports.get(program_of(pool).probe.port, 0)
        session = record.server.pid if runs else None
        return Look(record, liveness, age, user, look_at_port(session, port, user, held=self._ports.is_marked(port)))

    async def _observe(self, pool: Pool, look: Look) -> PoolState:
        """Return the state of a pool, of which a server that has its port is asked."""
        log, record = Path(self.log_path(pool.name)), look.record
        if record is None:
            return PoolState(log_tail=tail(log))
        if look.liveness is Liveness.ELSEWHERE:
            return PoolState(started=True, problem=f"{ELSEWHERE}; {STOP_THERE}", elsewhere=True, age=look.age)
        if look.liveness is Liveness.ENDED:
            return PoolState(started=True, log_tail=tail(log), age=look.age, strangers=look.use.strangers)
        probe, socket = program_of(pool).probe, self._layout.socket(pool)
        ready = look.use.ours and await answers(probe, HOST, pool.ports.get(probe.port, 0), socket)
        if ready:
            self._ports.release(pool.name)
            await finish(keep_locked, record.server, self._layout.server_locks(record.disks, pool.name))
        return PoolState(
            1,
            int(ready),
            started=True,
            log_tail="" if ready else tail(log),
            pid=record.server.pid,
            socket=socket if ready else "",
            age=look.age,
            strangers=look.use.strangers,
            shared_user=self._users.shared(look.user),
            addresses=look.use.addresses,
        )

    def _judge(self, record: RunRecord, pool: str) -> Liveness:
        place = self._disks.data(record.disks[0]) if record.disks else self._layout.pool(pool) / "run"
        locks = self._layout.server_locks(record.disks, pool)
        return judge(record.server, locks, place, self._layout.user_on(record.disks, pool))

    def _server_on(self, disk: str) -> str:
        """Name of the pool whose server runs on a disk, here or elsewhere; empty when none does."""
        for path in self._home.glob("pools/*/record"):
            record = read_record(path, home_id(self._home))
            if record is None or disk not in record.disks:
                continue
            if self._judge(record, path.parent.name) is not Liveness.ENDED:
                return path.parent.name
        return ""
