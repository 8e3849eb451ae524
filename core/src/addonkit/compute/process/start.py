"""Starts a server, and runs the commands that prepare its disk. The caller holds the pool's lock."""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path
from typing import Final

from addonkit.compute.process.commands import run
from addonkit.compute.process.launch_request import Detached, LaunchRequest, send_request
from addonkit.compute.process.logs import tail
from addonkit.compute.process.placeholders import Placeholders
from addonkit.compute.process.programs import executable
from addonkit.compute.process.record import read_record
from addonkit.compute.process.stop import workers_of
from addonkit.compute.process.user import ServiceUser
from addonkit.errors import PoolCrashed
from addonkit.models.compute import File, Pool, Program
from addonkit.models.secret import reveal
from addonkit.util.concurrency import finish
from addonkit.util.text import last_lines
from addonkit.util.values import frozen

PREPARE_LIMIT: Final = 240.0
"""Seconds that preparing a disk may take."""

LONGEST_PREPARATION: Final = 1024 * 1024
"""Bytes of what former preparations said that are kept."""

CRASHES: Final = 5
WITHIN: Final = 60.0
"""So many starts within so many seconds are a crash loop: the server is left alone for a while."""


@frozen
class LaunchPlan:
    """Everything a start needs.

    Attributes:
        pool: with its ports.
        program: of its spec.
        bin: directory of the executables.
        placeholders: what placeholders stand for.
        run: the pool's private directory; `record` and `log` are below or beside it.
        user: who the server runs as, None for ourselves.
        preparer: who prepares its disk: the same, unless that needs a user with a name.
        home: id of the home.
        locks: descriptors of the locks that the server is to hold for life.
    """

    pool: Pool
    program: Program
    bin: Path
    placeholders: Placeholders
    run: Path
    record: Path
    log: Path
    user: ServiceUser | None
    preparer: ServiceUser | None
    home: str
    locks: tuple[int, ...]

    @property
    def attempted(self) -> str:
        """Return what errors say was tried."""
        return f"starting server {self.pool.name}"

    def environment(self) -> dict[str, str]:
        """Return a minimal environment, with what the program asks for."""
        path = f"{self.bin}{os.pathsep}/usr/local/bin:/usr/bin:/bin"
        basic = {"PATH": path, "HOME": str(self.run), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        return basic | {name: self.placeholders.expand(reveal(value)) for name, value in self.program.env.items()}

    def command(self, argv: tuple[str, ...], placeholders: Placeholders | None = None) -> list[str]:
        """Return a command line with its first word resolved in the program's directory."""
        placeholders = placeholders or self.placeholders
        found = executable(self.bin, argv[0])
        if found is None:
            raise PoolCrashed(self.attempted, f"{self.bin} has no executable {argv[0]}")
        return [str(found), *(placeholders.expand(word) for word in argv[1:])]


async def prepare_with_files(plan: LaunchPlan, placeholders: Placeholders, lock: int) -> None:
    """Run the commands that prepare a disk while their files are there."""
    files = plan.program.prepare_files
    try:
        await _write(plan, placeholders, lock, write=files)
        for argv in plan.program.prepare:
            await _prepare(plan, placeholders, plan.command(argv, placeholders), lock)
    finally:
        await _write(plan, placeholders, lock, remove=files)


async def _write(
    plan: LaunchPlan,
    placeholders: Placeholders,
    lock: int,
    write: tuple[File, ...] = (),
    remove: tuple[File, ...] = (),
) -> None:
    if not (write or remove):
        return
    fault = await finish(
        send_request, LaunchRequest(plan.preparer, placeholders, write=write, remove=remove), (lock, *plan.locks)
    )
    if fault:
        raise PoolCrashed(f"preparing the disk of {plan.pool.name}", fault)


async def _prepare(plan: LaunchPlan, placeholders: Placeholders, command: list[str], lock: int) -> None:
    said = plan.log.with_name("prepare.log")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(said, flags, 0o600)
    if os.fstat(descriptor).st_size > LONGEST_PREPARATION:
        os.ftruncate(descriptor, 0)
    with os.fdopen(descriptor, "wb") as log:
        result = await run(
            command,
            env=plan.environment(),
            cwd=placeholders.disk,
            user=plan.preparer,
            timeout=PREPARE_LIMIT,
            keep_open=(lock, *plan.locks),
            output=log,
        )
    if result.status:
        error = PoolCrashed(
            f"preparing the disk of {plan.pool.name}",
            f"{Path(command[0]).name} ended with status {result.status}: {_last_words(said)}",
            _user_advice(plan.preparer),
        )
        # The reason often stands well before the end; `-v` and the conformance kit show notes.
        error.add_note(f"{Path(command[0]).name} said at its end:\n{tail(said, _SHOWN)}")
        raise error


_SHOWN: Final = 100
"""Lines of what a command that prepares a disk said, for authors."""


def _user_advice(user: ServiceUser | None) -> str:
    """Return what to do where the user is root, or has no passwd entry. Containers often run as such a uid."""
    uid = user.uid if user else os.geteuid()
    if uid == 0:
        return "here root is the only user, whom some servers refuse; run the command as another user"
    try:
        pwd.getpwuid(uid)
    except KeyError:
        problem = f"uid {uid} has no passwd entry, which some servers need"
        if user:
            return f"{problem}; its addon can say so by `named_user` of its Program"
        return f"{problem}; add `addonkit:x:{uid}:0::/:/bin/sh` to /etc/passwd"
    return ""


async def launch(plan: LaunchPlan, lock: int) -> None:
    """Start the server; when this returns it is known by its record.

    Whatever happens to us, no other command can start it before: the launcher holds the lock too. The server keeps the
    locks of its disks for life, so that what its predecessor left there is stale: no process can work on it.

    Raises:
        PoolCrashed: in a crash loop, when another process uses the disk, or when nothing could be launched.
    """
    now = time.time()
    starts = (*_recent_starts(plan, now), now)
    await _check_alone(plan)
    program = plan.program
    disks = [volume.disk for volume in plan.pool.spec.volumes]
    stale = (File(f"{{disk}}/{program.pid_file}", ""),) if program.pid_file else ()
    order = LaunchRequest(
        user=plan.user,
        placeholders=plan.placeholders,
        remove=(*stale, *program.prepare_files),
        write=program.files,
        argv=plan.command(program.argv),
        env=plan.environment(),
        cwd=str(plan.placeholders.disk),
        sockets=plan.placeholders.sockets,
        detached=Detached(plan.record, plan.log, starts, disks, plan.home, plan.locks),
    )
    fault = await finish(send_request, order, (lock,))
    if fault:
        raise PoolCrashed(plan.attempted, f"it could not be launched: {fault}")


def _recent_starts(plan: LaunchPlan, now: float) -> list[float]:
    former = read_record(plan.record, plan.home)
    recent = [each for each in (former.starts if former else ()) if now - WITHIN < each <= now]
    if len(recent) >= CRASHES:
        raise PoolCrashed(
            plan.attempted,
            f"it was started {len(recent)} times in {WITHIN:g} s and ended each time: {_last_words(plan.log)}",
            "see `addonkit logs`; it is tried again later",
        )
    return recent


async def _check_alone(plan: LaunchPlan) -> None:
    """Make sure that no process works on the disk without holding its lock, as one started by other means."""
    pids = await workers_of(plan.placeholders.disk, plan.user)
    if pids:
        raise PoolCrashed(plan.attempted, f"process {pids[0]} uses its disk already", f"end process {pids[0]} first")


def kept_files(program: Program) -> tuple[str, ...]:
    """Return names, below the disk, of the files that a server gets once and changes itself."""
    files = (file for file in program.files if file.once and reveal(file.content))
    return tuple(file.path.removeprefix("{disk}/") for file in files if file.path.startswith("{disk}/"))


def _last_words(log: Path) -> str:
    return last_lines(tail(log), 5) or "its log is empty"
