"""Starts a server. The caller holds the pool's lock."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from addonkit.compute.process.launch_request import Detached, LaunchRequest, send_request
from addonkit.compute.process.logs import last_words
from addonkit.compute.process.placeholders import Placeholders
from addonkit.compute.process.programs import executable
from addonkit.compute.process.record import read_record
from addonkit.compute.process.stop import workers_of
from addonkit.compute.process.user import ServiceUser
from addonkit.errors import PoolCrashed
from addonkit.models.compute import File, Pool, Program
from addonkit.models.secret import reveal
from addonkit.util.concurrency import finish
from addonkit.util.values import frozen

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
            f"it was started {len(recent)} times in {WITHIN:g} s and ended each time: {last_words(plan.log)}",
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
