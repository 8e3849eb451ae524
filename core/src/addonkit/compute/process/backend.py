"""The process backend, see compute.interface.

Below its home it keeps

pools/<name>/run    private files of a server, and its home directory
pools/<name>/sockets  Unix sockets of a server, which it alone can make
pools/<name>/log    what it wrote
pools/<name>/record which process it is
disks/<name>/data   its data
disks/<name>/lock   held by the server for life; pools/<name>/alive for one without a disk
prepared/<name>     that the disk holds data, see disk_memory
ports/<number>      which pool has the port
templates/<key>     prepared disks that are copied for new servers
uids/<number>       which server has the uid
programs/           copies of programs, where a service user could not reach the originals
locks/<name>        held while a pool is started, stopped or removed
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs

from addonkit.compute.process.commands import run
from addonkit.compute.process.disk_lock import is_held, take
from addonkit.compute.process.disk_memory import DiskMemory
from addonkit.compute.process.disks import Disks
from addonkit.compute.process.failures import as_failure_of
from addonkit.compute.process.listeners import look_at_port
from addonkit.compute.process.lock import locked
from addonkit.compute.process.logs import rotate, tail
from addonkit.compute.process.names import check_name
from addonkit.compute.process.open_files import having_open, working_in_removed
from addonkit.compute.process.ownership import hand_over
from addonkit.compute.process.pipes import piped
from addonkit.compute.process.placeholders import Placeholders
from addonkit.compute.process.ports import HOST, Ports, port_range
from addonkit.compute.process.prepare import prepare_disk
from addonkit.compute.process.probe import answers
from addonkit.compute.process.programs import Programs, executable, how_to_get
from addonkit.compute.process.record import RunRecord, clear_start_history, read_record
from addonkit.compute.process.running_program import runs_another
from addonkit.compute.process.server_users import ServerUsers
from addonkit.compute.process.space import check_space
from addonkit.compute.process.standing import Standing, judge, keep_locked
from addonkit.compute.process.start import LaunchPlan, kept_files, launch
from addonkit.compute.process.stop import Terminator, workers_of
from addonkit.compute.process.templates import Templates
from addonkit.compute.process.threads import finish
from addonkit.compute.process.user import ServiceUser, check_traversable
from addonkit.compute.process.versions import describe, matches, requested_version, shorten
from addonkit.errors import Busy, CommandFailed, ComputeError, PoolCrashed, ProgramNotFound, UnknownVersion
from addonkit.models.compute import Disk, ExecResult, FoundProgram, Pool, PoolState, Program
from addonkit.models.definition import AddonDefinition, ProgramSource
from addonkit.util.files import make_directory, remove_tree
from addonkit.util.home_identity import home_id

NAME: Final = "process"

ELSEWHERE: Final = "a server of another container or namespace works on its disk"
STOP_THERE: Final = "use it there, or stop it there first"

TAKE_LIMIT: Final = 1.0
"""Seconds to wait for a lock that other commands look at for moments."""

LEFTOVERS_LIMIT: Final = 3.0
"""Seconds that children of a dead server have to notice and end, before they are killed."""


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
        self._disks = Disks(home / "disks", DiskMemory(home / "prepared"), self._users)
        self._programs = Programs(home / "programs", environ, self._users.example())
        self._templates = Templates(home / "templates")

    def find_programs(self, definition: AddonDefinition) -> tuple[FoundProgram, ...]:
        """See Backend."""
        return self._programs.find(definition.program) if definition.program else ()

    def program_faults(self, definition: AddonDefinition) -> tuple[str, ...]:
        """Why directories that hold an addon's executables are not used, a line each. Blocking."""
        return self._programs.faults(definition.program) if definition.program else ()

    def runnable_version(self, definition: AddonDefinition, requested: str) -> str:
        """See Backend. The answer has the precision of the request, so that minor upgrades are picked up."""
        self._check_users()
        check_space(self._home)
        versions = [found.version for found in self.find_programs(definition)]
        attempted = f"cannot run {definition.name} {requested}".rstrip()
        if not versions:
            unusable = "; ".join(self.program_faults(definition))
            raise ProgramNotFound(
                attempted,
                f"no program for it that can be used was found on this machine{f' ({unusable})' if unusable else ''}",
                how_to_get(definition.program),
            )
        wanted = requested_version(requested) if requested else definition.default_version
        if wanted and any(matches(version, wanted) for version in versions):
            return wanted
        if not requested:
            return shorten(versions[0], like=definition.default_version)
        found = "; ".join((f"versions found here: {describe(versions)}", *self.program_faults(definition)))
        raise UnknownVersion(attempted, found, "choose one with --version")

    async def ensure_disk(self, disk: Disk) -> None:
        """See Backend."""
        self._check_users()
        with as_failure_of(disk.name):
            await finish(self._disks.ensure, check_name(disk.name))

    async def delete_disk(self, name: str) -> None:
        """See Backend."""
        attempted = f"cannot delete disk {check_name(name)}"
        with as_failure_of(name):
            server = await asyncio.to_thread(self._server_on, name)
            if server:
                raise Busy(attempted, f"server {server} runs on it", "remove that first")
            user = self._disks.user(name)
            workers = await workers_of(self._disks.data(name), user)
            if workers:
                raise Busy(attempted, f"process {workers[0]} works on it", "end that process first")
            lock = await self._take_lock(self._disks.lock(name))
            if lock is None:
                raise Busy(attempted, ELSEWHERE, STOP_THERE)
            try:
                await finish(self._disks.delete, name)
            finally:
                for descriptor in lock:
                    os.close(descriptor)

    async def place(self, pool: Pool) -> Pool:
        """See Backend. New ports are held until the server listens, or the pool is removed."""
        self._check_users()
        names = tuple(port.name for port in pool.spec.ports)
        if pool.host and set(pool.ports) == set(names):
            return pool
        with as_failure_of(pool.name):
            ports = await finish(self._ports.take, pool.name, names)
        return attrs.evolve(pool, host=HOST, ports=ports)

    async def ensure_running(self, pool: Pool, *, wanted: Callable[[], Awaitable[bool]] | None = None) -> PoolState:
        """See Backend."""
        with as_failure_of(pool.name):
            async with locked(self._lock(pool.name), self._user_of(pool)) as lock:
                record, standing = await self._find(pool)
                running = standing is Standing.RUNS
                if wanted is not None and not await wanted():
                    if record is None:  # it was removed, with its lock, while we were on our way to it
                        self._lock(pool.name).unlink(missing_ok=True)
                    return PoolState(running=int(running), started=record is not None)
                if standing is Standing.ELSEWHERE:
                    raise PoolCrashed(f"starting server {pool.name}", ELSEWHERE, STOP_THERE)
                if pool.spec.desired_instances == 0:
                    if record is not None:
                        await self._stop(record, pool.name, pool.spec.program)
                        await asyncio.to_thread(clear_start_history, self._record(pool.name), record)
                    return PoolState(started=record is not None)
                if not running:
                    await self._start(pool, record, lock)
                    begun = read_record(self._record(pool.name), self._home_id)
                    return PoolState(running=1, started=True, pid=begun.server.pid if begun else None)
            return await self.observe(pool)

    async def observe(self, pool: Pool) -> PoolState:
        """See Backend. What stands against looking is the pool's `problem`."""
        try:
            return await self._observe(pool)
        except OSError as error:
            return PoolState(started=True, problem=f"it cannot be looked at: {error}")

    async def answers(self, pool: Pool, state: PoolState) -> bool:
        """See Backend."""
        program = pool.spec.program
        if program is None:
            return bool((await self.observe(pool)).ready)
        return await answers(program.probe, pool.host, pool.ports[program.probe.port], state.socket)

    async def remove(self, name: str, program: Program | None = None) -> None:
        """See Backend."""
        with as_failure_of(name):
            user = self._user_on((), name)
            async with locked(self._lock(name), user):
                record = read_record(self._record(name), self._home_id)
                if record is not None:
                    standing = await asyncio.to_thread(self._judge, record, name)
                    if standing is Standing.ELSEWHERE:
                        raise Busy(f"cannot remove server {name}", ELSEWHERE, STOP_THERE)
                    await self._stop(record, name, program)
                await Terminator(self._home, user).end_removed(name)
                left = await finish(remove_tree, self._pool(name))
                if left:
                    raise ComputeError(f"cannot remove the files of server {name}", left, "make them removable")
                await finish(self._ports.free, name)
                await finish(self._users.free, f"{name}/run")
                self._lock(name).unlink(missing_ok=True)

    async def exec_in_pool(self, pool: Pool, argv: Sequence[str], env: Mapping[str, str], timeout: float) -> ExecResult:
        """See Backend."""
        plan = await self._plan(pool)
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
        plan = await self._plan(pool)
        async with piped(
            plan.command(tuple(argv)),
            env=plan.environment() | dict(env),
            cwd=plan.run,
            user=plan.user,
            content=content,
            attempted=f"running {argv[0]} beside {pool.name}",
        ) as output:
            yield output

    async def newer_program(self, pool: Pool, state: PoolState) -> str:
        """See Backend."""
        program = pool.spec.program
        if state.pid is None or program is None:
            return ""
        return await asyncio.to_thread(self._newer, state.pid, program)

    def _newer(self, pid: int, program: Program) -> str:
        try:
            folder = self._programs.resolve(program.source, program.version)
        except ComputeError:
            return ""  # the next start of the server reports it
        if not runs_another(pid, program.source, folder):
            return ""
        found = self._programs.find(program.source)
        return next((each.version for each in found if Path(each.directory) == folder), program.version)

    def installed_program(self, program: ProgramSource, version: str) -> tuple[str, tuple[str, ...]]:
        """Return the executable that a start would take now, empty for none, and what that depends on. Blocking.

        Returns:
            Its path, and paths of files and directories: while none of them changes, the answer stays the same.
        """
        try:
            folder = self._programs.resolve(program, version)
        except ComputeError:
            return "", self._programs.evidence(program)
        return str(executable(folder, program.executables[0]) or ""), self._programs.evidence(program)

    def log_path(self, name: str) -> str:
        """See Backend."""
        return str(self._pool(name) / "log")

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

    async def _observe(self, pool: Pool) -> PoolState:
        log = Path(self.log_path(pool.name))
        record, standing = await self._find(pool)
        if record is None:
            return PoolState(log_tail=tail(log))
        age = time.time() - record.starts[-1] if record.starts else None
        if standing is Standing.ELSEWHERE:
            return PoolState(started=True, problem=f"{ELSEWHERE}; {STOP_THERE}", elsewhere=True, age=age)
        user, port = self._user_of(pool), pool.ports.get(_program(pool).probe.port, 0)
        if standing is Standing.ENDED:
            use = await asyncio.to_thread(look_at_port, None, port, user)
            return PoolState(started=True, log_tail=tail(log), age=age, strangers=use.strangers)
        await asyncio.to_thread(rotate, log)
        use = await asyncio.to_thread(look_at_port, record.server.pid, port, user)
        ready = use.ours and await answers(_program(pool).probe, HOST, port, self._socket(pool))
        if ready:
            self._ports.release(pool.name)
            await finish(keep_locked, record.server, self._locks_of(record.disks, pool.name))
        return PoolState(
            1,
            int(ready),
            started=True,
            log_tail="" if ready else tail(log),
            pid=record.server.pid,
            socket=self._socket(pool) if ready else "",
            age=age,
            strangers=use.strangers,
            shared_user=self._users.shared(user),
        )

    def _check_users(self) -> None:
        """Make sure that there is a user for servers, who can get to their data."""
        self._users.check()
        check_traversable(self._users.example(), self._home)

    async def _find(self, pool: Pool) -> tuple[RunRecord | None, Standing]:
        """The record of a pool's server, and whether that runs."""
        record = read_record(self._record(pool.name), self._home_id)
        if record is None:
            return None, Standing.ENDED
        return record, await asyncio.to_thread(self._judge, record, pool.name)

    def _judge(self, record: RunRecord, pool: str) -> Standing:
        place = self._disks.data(record.disks[0]) if record.disks else self._pool(pool) / "run"
        return judge(record.server, self._locks_of(record.disks, pool), place, self._user_on(record.disks, pool))

    async def _start(self, pool: Pool, former: RunRecord | None, lock: int) -> None:
        attempted = f"starting server {pool.name}"
        disks = [check_name(volume.disk) for volume in pool.spec.volumes]
        for disk in disks:
            self._disks.check(disk, attempted)
        make_directory(self._pool(pool.name), 0o711, parents=0o711)
        if former is not None:
            await self._terminator(former, pool.name).clear(former.server)
            await self._terminator(former, pool.name).free(self._locks_of(former.disks, pool.name), LEFTOVERS_LIMIT)
        held = await self._take_lock(*self._locks_of(disks, pool.name))
        if held is None:
            raise await self._taken(attempted, self._locks_of(disks, pool.name), self._user_of(pool))
        try:
            await finish(self._settle, pool, disks)
            plan = await self._plan(pool, held)
            for disk in disks:
                await prepare_disk(plan, self._disks, self._templates, disk, lock)
            taken = await finish(self._ports.reacquire, pool.name, pool.ports.values())
            if taken is not None:
                raise PoolCrashed(
                    attempted,
                    f"another process listens on its port {taken}",
                    "end that process; the port is part of URLs",
                )
            await launch(plan, lock)
            if disks:
                await finish(self._disks.remember, disks[0], kept_files(plan.program))
        finally:
            for descriptor in held:
                os.close(descriptor)

    async def _take_lock(self, *paths: Path) -> tuple[int, ...] | None:
        """The locks, all or none of them; None when another process holds one."""
        taken: list[int] = []
        for path in paths:
            try:
                descriptor = await take(path, TAKE_LIMIT)
            except FileNotFoundError:  # the disk is gone
                continue
            if descriptor is None:
                for each in taken:
                    os.close(each)
                return None
            taken.append(descriptor)
        return tuple(taken)

    async def _taken(self, attempted: str, locks: Sequence[Path], user: ServiceUser | None) -> PoolCrashed:
        """Why the locks of a server cannot be had."""
        for lock in locks:
            holders = await asyncio.to_thread(having_open, lock, user)
            if holders and is_held(lock):
                pid = holders[0]
                return PoolCrashed(attempted, f"process {pid} uses its disk already", f"end process {pid} first")
        return PoolCrashed(attempted, ELSEWHERE, STOP_THERE)

    async def _stop(self, record: RunRecord, pool: str, program: Program | None) -> None:
        """End a server, and all that works in its disks."""
        await self._terminator(record, pool).stop(record.server, program)
        await self._terminator(record, pool).free(self._locks_of(record.disks, pool), LEFTOVERS_LIMIT)

    def _settle(self, pool: Pool, disks: Sequence[str]) -> None:
        """Give a server that is about to start a user, and that user what the server works with."""
        self._users.check()
        directory = self._pool(pool.name)
        run, sockets = directory / "run", directory / "sockets"
        make_directory(run, 0o700)
        make_directory(sockets, 0o711)
        owned, place = (disks[0], self._disks.data(disks[0])) if disks else (f"{pool.name}/run", run)
        user = self._users.choose(owned, place, named=_program(pool).named_user == "always")
        for each in (*map(self._disks.data, disks), run, sockets):
            if user is not None and each.exists():
                hand_over(each, user)

    async def _plan(self, pool: Pool, locks: tuple[int, ...] = ()) -> LaunchPlan:
        program = _program(pool)
        folder = await asyncio.to_thread(self._programs.resolve, program.source, program.version)
        directory = self._pool(pool.name)
        private, sockets = directory / "run", directory / "sockets"
        user = self._user_of(pool)
        disk = self._disks.data(pool.spec.volumes[0].disk) if pool.spec.volumes else private
        placeholders = Placeholders(disk, private, sockets, pool.ports)
        return LaunchPlan(
            pool,
            program,
            folder,
            placeholders,
            private,
            self._record(pool.name),
            directory / "log",
            user,
            self._users.named if program.named_user else user,
            self._home_id,
            locks,
        )

    def _socket(self, pool: Pool) -> str:
        name = _program(pool).socket
        sockets = self._pool(pool.name) / "sockets"
        return str(sockets / Placeholders(sockets, sockets, sockets, pool.ports).expand(name)) if name else ""

    def _server_on(self, disk: str) -> str:
        """Name of the pool whose server runs on a disk, here or elsewhere; empty when none does."""
        for path in self._home.glob("pools/*/record"):
            record = read_record(path, self._home_id)
            if record is None or disk not in record.disks:
                continue
            if self._judge(record, path.parent.name) is not Standing.ENDED:
                return path.parent.name
        return ""

    def _locks_of(self, disks: Sequence[str], pool: str) -> tuple[Path, ...]:
        """The files that a server holds locked for life."""
        return tuple(self._disks.lock(disk) for disk in disks) or (self._pool(pool) / "alive",)

    @property
    def _home_id(self) -> str:
        return home_id(self._home)

    def _terminator(self, record: RunRecord, pool: str) -> Terminator:
        return Terminator(self._home, self._user_on(record.disks, pool))

    def _user_of(self, pool: Pool) -> ServiceUser | None:
        return self._user_on([volume.disk for volume in pool.spec.volumes], pool.name)

    def _user_on(self, disks: Sequence[str], pool: str) -> ServiceUser | None:
        """Who runs the server of a pool: whose the data on its disk are, or its private directory."""
        return self._disks.user(disks[0]) if disks else self._users.find(f"{pool}/run", self._pool(pool) / "run")

    def _pool(self, name: str) -> Path:
        return self._home / "pools" / check_name(name)

    def _record(self, name: str) -> Path:
        return self._pool(name) / "record"

    def _lock(self, name: str) -> Path:
        return self._home / "locks" / check_name(name)


def _program(pool: Pool) -> Program:
    if pool.spec.program is None:
        raise ComputeError(
            f"cannot run {pool.name} as a process", "its addon does not say how", "use a backend that runs containers"
        )
    return pool.spec.program
