"""Starts a server: prepares an empty disk once, launches. The caller holds the pool's lock."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

import attrs

from addonkit.compute.process.commands import run
from addonkit.compute.process.disks import Disks
from addonkit.compute.process.logs import tail
from addonkit.compute.process.orders import Detached, Order, give
from addonkit.compute.process.placeholders import Places
from addonkit.compute.process.programs import executable
from addonkit.compute.process.record import read_record
from addonkit.compute.process.stop import workers_of
from addonkit.compute.process.threads import finish
from addonkit.compute.process.user import ServiceUser
from addonkit.errors import PoolCrashed
from addonkit.models.compute import File, Pool, Program
from addonkit.models.secret import reveal

PREPARE_LIMIT: Final = 240.0
"""Seconds that preparing a disk may take."""

CRASHES: Final = 5
WITHIN: Final = 60.0
"""So many starts within so many seconds are a crash loop: the server is left alone for a while."""


@attrs.frozen
class Start:
    """Everything a start needs.

    Attributes:
        pool: with its ports.
        program: of its spec.
        bin: directory of the executables.
        places: what placeholders stand for.
        run: the pool's private directory; `record` and `log` are below or beside it.
        user: who the server runs as, None for ourselves.
    """

    pool: Pool
    program: Program
    bin: Path
    places: Places
    run: Path
    record: Path
    log: Path
    user: ServiceUser | None

    @property
    def attempted(self) -> str:
        """What errors say was tried."""
        return f"starting server {self.pool.name}"

    def environment(self) -> dict[str, str]:
        """A minimal environment, with what the program asks for."""
        path = f"{self.bin}{os.pathsep}/usr/local/bin:/usr/bin:/bin"
        basic = {"PATH": path, "HOME": str(self.run), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        return basic | {name: self.places.fill(reveal(value)) for name, value in self.program.env.items()}

    def command(self, argv: tuple[str, ...], places: Places | None = None) -> list[str]:
        """A command line with its first word resolved in the program's directory."""
        places = places or self.places
        found = executable(self.bin, argv[0])
        if found is None:
            raise PoolCrashed(self.attempted, f"{self.bin} has no executable {argv[0]}")
        return [str(found), *(places.fill(word) for word in argv[1:])]


async def prepare_disk(start: Start, disks: Disks, disk: str, lock: int) -> None:
    """Turn an empty disk into a usable one, in a draft that becomes the disk's data at the end.

    Raises:
        PoolCrashed: when a command fails; the end of its output is in the message.
    """
    if disks.is_prepared(disk):
        return
    draft = await finish(disks.draft, disk)
    places = attrs.evolve(start.places, disk=draft)
    try:
        await _with_files(start, places, lock)
        draft.rename(disks.data(disk))
    except BaseException:
        await finish(disks.discard_drafts, disk)
        raise


async def _with_files(start: Start, places: Places, lock: int) -> None:
    """Run the commands that prepare a disk while their files are there."""
    files = start.program.prepare_files
    try:
        await _write(start, places, write=files)
        for argv in start.program.prepare:
            await _prepare(start, places, start.command(argv, places), lock)
    finally:
        await _write(start, places, remove=files)


async def _write(start: Start, places: Places, write: tuple[File, ...] = (), remove: tuple[File, ...] = ()) -> None:
    if not (write or remove):
        return
    fault = await finish(give, Order(start.user, places, write=write, remove=remove))
    if fault:
        raise PoolCrashed(f"preparing the disk of {start.pool.name}", fault)


async def _prepare(start: Start, places: Places, command: list[str], lock: int) -> None:
    said = start.log.with_name("prepare.log")
    descriptor = os.open(said, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "wb") as log:
        result = await run(
            command,
            env=start.environment(),
            cwd=places.disk,
            user=start.user,
            timeout=PREPARE_LIMIT,
            keep_open=(lock,),
            output=log,
        )
    if result.status:
        raise PoolCrashed(
            f"preparing the disk of {start.pool.name}",
            f"{Path(command[0]).name} ended with status {result.status}: {_last_words(said)}",
        )


async def launch(start: Start, lock: int) -> None:
    """Start the server; when this returns it is known by its record.

    Whatever happens to us, nobody else can start it before: the launcher holds the lock too.

    Raises:
        PoolCrashed: in a crash loop, when another process uses the disk, or when nothing could be launched.
    """
    now = time.time()
    starts = (*_recent_starts(start, now), now)
    await _check_alone(start)
    program = start.program
    stale = (File(f"{{disk}}/{program.pid_file}", ""),) if program.pid_file else ()
    order = Order(
        user=start.user,
        places=start.places,
        remove=(*stale, *program.prepare_files),
        write=program.files,
        argv=start.command(program.argv),
        env=start.environment(),
        cwd=str(start.places.disk),
        detached=Detached(start.record, start.log, starts, [volume.disk for volume in start.pool.spec.volumes]),
    )
    fault = await finish(give, order, (lock,))
    if fault:
        raise PoolCrashed(start.attempted, f"it could not be launched: {fault}")


def _recent_starts(start: Start, now: float) -> list[float]:
    former = read_record(start.record)
    recent = [each for each in (former.starts if former else ()) if now - WITHIN < each <= now]
    if len(recent) >= CRASHES:
        raise PoolCrashed(
            start.attempted,
            f"it was started {len(recent)} times in {WITHIN:g} s and ended each time: {_last_words(start.log)}",
            "see addonkit logs; it is tried again later",
        )
    return recent


async def _check_alone(start: Start) -> None:
    """Make sure that nobody works on the disk; then a lock file that a server left there is stale."""
    pids = await workers_of(start.places.disk, start.user)
    if pids:
        raise PoolCrashed(start.attempted, f"process {pids[0]} uses its disk already", f"end process {pids[0]} first")


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in tail(log, 5).splitlines() if line.strip()]
    return " | ".join(lines) or "its log is empty"
