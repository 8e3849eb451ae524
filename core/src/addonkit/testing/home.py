"""A home for a test: on memory where there is some, and nothing of it left afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from addonkit.compute.process.identity import is_running, send
from addonkit.compute.process.open_files import working_in
from addonkit.compute.process.record import read_record
from addonkit.compute.process.stop import Terminator
from addonkit.compute.process.user import service_user

MEMORY: Final = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - memory is where tests are fast
"""Directory on memory; None where there is none."""

_QUIT_LIMIT: Final = 5.0
"""Seconds that servers have to end before they are killed."""


@contextmanager
def temporary_home(base: Path | None = None) -> Iterator[Path]:
    """Yield an empty directory that a service user can pass through; its servers are killed at the end.

    Its backups, which are kept beside it, are removed too.

    Args:
        base: where it is made; by default on memory, below a folder that ends with this process, also a killed one.
    """
    # Short below our own folder: a path of a Unix socket has 107 bytes.
    prefix, folder = ("home-", _folder()) if base is None else ("addonkit-test-", base)
    home = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
    home.chmod(0o711)
    try:
        yield home
    finally:
        kill_servers(home)
        remove_home(home)


def _folder() -> Path:
    from addonkit.testing.conformance.reaper import folder_for_homes  # which ends homes as this module does

    return folder_for_homes()


def remove_home(home: Path) -> None:
    """Remove the directory of a home without servers, and its backups, which are kept beside it in `<home>-backups`."""
    for each in (home, home.with_name(f"{home.name}-backups")):
        shutil.rmtree(each, ignore_errors=True)


def kill_servers(home: Path) -> None:
    """Kill every server that was started below this home, what it started, what prepares disks; only those.

    SIGQUIT and SIGTERM first, on which PostgreSQL gives shared memory back: the system has only so many segments of it.
    """
    user = service_user(os.environ)
    terminator = Terminator(home, user)
    servers = [record.server for path in home.glob("pools/*/record") if (record := read_record(path))]
    working = working_in(home, user)
    if not servers and not working:
        return
    for server in servers:
        send(server, signal.SIGQUIT)
    _signal({pid for pid in working if _leads_session(pid)}, signal.SIGTERM)
    ending = time.monotonic() + _QUIT_LIMIT
    while time.monotonic() < ending and (any(is_running(server) for server in servers) or working_in(home, user)):
        time.sleep(0.03)
    sessions = (pid for server in servers for pid in terminator.leftovers(server))
    _signal({*sessions, *working_in(home, user)}, signal.SIGKILL)


def _signal(pids: set[int], number: int) -> None:
    for pid in pids - {os.getpid()}:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _leads_session(pid: int) -> bool:
    """Return a command that prepares a disk does, its children do not: they end cleanly with it."""
    try:
        return os.getsid(pid) == pid
    except ProcessLookupError:
        return False


def server_processes(home: Path) -> tuple[int, ...]:
    """Return pids of the servers that run below a home, helpers of theirs not included."""
    records = [read_record(path) for path in home.glob("pools/*/record")]
    return tuple(record.server.pid for record in records if record and is_running(record.server))


def left_behind(home: Path) -> tuple[str, ...]:
    """Return what a home still has of servers: processes, directories, ports, locks. Empty when all is gone."""
    left = [f"process of {path.parent.name}" for path in home.glob("pools/*/record") if _runs(path)]
    for pattern in ("pools/*", "disks/*", "disks/.*", "ports/[0-9]*", "locks/*", "uids/*"):
        left += [str(path.relative_to(home)) for path in home.glob(pattern)]
    return tuple(sorted(left))


def _runs(path: Path) -> bool:
    record = read_record(path)
    return record is not None and is_running(record.server)
