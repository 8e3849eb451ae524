"""Tells whether the server of a record runs, as far as this process can see. Blocking."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Final

from addonkit.compute.process import lock_holder
from addonkit.compute.process.disk_lock import is_held, try_take
from addonkit.compute.process.identity import Identity, is_running
from addonkit.compute.process.open_files import read_open_files
from addonkit.compute.process.user import ServiceUser
from addonkit.util.procfs import read_status

ELSEWHERE: Final = "a server of another container or namespace works on its disk"
STOP_THERE: Final = "use it there, or stop it there first"


class Liveness(Enum):
    """The state of a recorded server."""

    RUNS = "runs"
    ENDED = "ended"
    ELSEWHERE = "elsewhere"
    """It works on the disk where this process cannot see it: in another container, or on another machine."""


def judge(server: Identity, locks: Sequence[Path], place: Path, user: ServiceUser | None) -> Liveness:
    """Judge a recorded server by its pid where that counts, and by the locks that it holds for life.

    A copy of a home has copies of the records, but nothing holds its locks: the original's servers are never taken for
    its own.

    Args:
        server: what the record names.
        locks: of its disks, or of its pool when it has none.
        place: directory it works in.
        user: user it runs as; None for ourselves.
    """
    held = any(is_held(lock) for lock in locks)
    if not server.judged_here:
        return Liveness.ELSEWHERE if held else Liveness.ENDED
    if is_running(server):
        return Liveness.RUNS if held or _works_in(server.pid, place, user) else Liveness.ENDED
    return Liveness.ELSEWHERE if held and _is_hidden(server.pid) else Liveness.ENDED


def keep_locked(server: Identity, locks: Sequence[Path]) -> None:
    """Start a holder for each lock that a running server does not hold: it has closed what it inherited."""
    for lock in locks:
        descriptor = try_take(lock)
        if descriptor is None:
            continue
        try:
            with suppress(OSError):
                _start_holder(server, descriptor)
        finally:
            os.close(descriptor)


def _start_holder(server: Identity, lock: int) -> None:
    process = os.pidfd_open(server.pid)
    try:
        if is_running(server):
            subprocess.run(  # noqa: S603 - our own holder
                [sys.executable, "-I", "-S", lock_holder.__file__, str(process), str(lock)],
                pass_fds=(process, lock),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                check=False,
            )
    finally:
        os.close(process)


def _works_in(pid: int, place: Path, user: ServiceUser | None) -> bool:
    seen = read_open_files([pid], user).get(pid)
    try:
        status = place.stat()
    except OSError:
        return False
    return seen is not None and seen.place == (status.st_dev, status.st_ino)


def _is_hidden(pid: int) -> bool:
    """Return whether a process exists that /proc does not show, as with hidepid or without a /proc."""
    if read_status(pid) is not None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
