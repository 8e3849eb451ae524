"""Starts a server: prepares an empty disk once, writes files, launches. The caller holds the pool's lock."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from addonkit.compute.process import launcher
from addonkit.compute.process.commands import run
from addonkit.compute.process.disks import Disks
from addonkit.compute.process.files import write_files
from addonkit.compute.process.identity import working_directory
from addonkit.compute.process.logs import tail
from addonkit.compute.process.placeholders import Places
from addonkit.compute.process.programs import executable
from addonkit.compute.process.record import RunRecord, read_record
from addonkit.compute.process.user import ServiceUser
from addonkit.errors import PoolCrashed
from addonkit.models.compute import Pool, Program
from addonkit.models.secret import reveal

PREPARE_LIMIT: Final = 240.0
"""Seconds that preparing a disk may take."""

LAUNCH_LIMIT: Final = 20.0
"""Seconds until a launched process must have written down who it is."""

CRASHES: Final = 5
WITHIN: Final = 60.0
"""So many starts within so many seconds are a crash loop: the server is left alone for a while."""

_LOOK_EVERY: Final = 0.005


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
            raise PoolCrashed(f"starting server {self.pool.name}", f"{self.bin} has no executable {argv[0]}")
        return [str(found), *(places.fill(word) for word in argv[1:])]


async def prepare_disk(start: Start, disks: Disks, disk: str, lock: int) -> None:
    """Turn an empty disk into a usable one, in a draft that becomes the disk's data at the end.

    Raises:
        PoolCrashed: when a command fails; the end of its output is in the message.
    """
    if disks.is_prepared(disk):
        return
    draft = await asyncio.to_thread(disks.draft, disk)
    places = attrs.evolve(start.places, disk=draft)
    written = write_files(start.program.prepare_files, places, start.user)
    try:
        for argv in start.program.prepare:
            await _prepare(start, start.command(argv, places), lock)
    finally:
        for path in written:
            path.unlink(missing_ok=True)
    draft.rename(disks.data(disk))


async def _prepare(start: Start, command: list[str], lock: int) -> None:
    said = start.log.with_name("prepare.log")
    descriptor = os.open(said, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "wb") as log:
        result = await run(
            command,
            env=start.environment(),
            cwd=start.run,
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


async def launch(start: Start) -> RunRecord:
    """Start the server and return its record, as soon as the launched process has written it.

    Raises:
        PoolCrashed: in a crash loop, when another server uses the disk, or when nothing could be launched.
    """
    now = time.time()
    starts = (*_recent_starts(start, now), now)
    _clear_stale_pid_file(start)
    write_files(start.program.files, start.places, start.user)
    order = {
        "record": str(start.record),
        "argv": start.command(start.program.argv),
        "env": start.environment(),
        "cwd": str(start.run),
        "log": str(start.log),
        "user": [start.user.uid, start.user.gid] if start.user else None,
        "starts": starts,
    }
    await asyncio.to_thread(_launch, order)
    for _ in range(round(LAUNCH_LIMIT / _LOOK_EVERY)):
        record = read_record(start.record)
        if record is not None and record.starts == starts:
            return record
        await asyncio.sleep(_LOOK_EVERY)
    raise PoolCrashed(f"starting server {start.pool.name}", f"it could not be launched: {_last_words(start.log)}")


def _launch(order: Mapping[str, object]) -> None:
    subprocess.run(  # noqa: S603 - our own launcher
        [sys.executable, "-I", "-S", launcher.__file__],
        input=json.dumps(order).encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        check=True,
    )


def _recent_starts(start: Start, now: float) -> list[float]:
    former = read_record(start.record)
    recent = [each for each in (former.starts if former else ()) if now - WITHIN < each <= now]
    if len(recent) >= CRASHES:
        raise PoolCrashed(
            f"starting server {start.pool.name}",
            f"it was started {len(recent)} times in {WITHIN:g} s and ended each time: {_last_words(start.log)}",
            "see addonkit logs; it is tried again later",
        )
    return recent


def _clear_stale_pid_file(start: Start) -> None:
    """Remove the server's own lock file when the process it names does not run on this disk."""
    if not start.program.pid_file:
        return
    path = start.places.disk / start.program.pid_file
    try:
        first = path.read_text(errors="replace").split("\n", 1)[0].strip()
    except FileNotFoundError:
        return
    pid = int(first) if first.isdigit() else 0
    if pid and working_directory(pid) == start.places.disk.resolve():
        raise PoolCrashed(
            f"starting server {start.pool.name}", f"process {pid} uses its disk already", f"end process {pid} first"
        )
    path.unlink(missing_ok=True)


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in tail(log, 5).splitlines() if line.strip()]
    return " | ".join(lines) or "its log is empty"
