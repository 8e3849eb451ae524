"""A home for a test: on memory where there is some, and nothing of it left afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from addonkit.compute.process.identity import session_members
from addonkit.compute.process.record import read_record


@contextmanager
def temporary_home() -> Iterator[Path]:
    """An empty directory that a service user can pass through; its servers are killed at the end."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - memory is where tests are fast
    home = Path(tempfile.mkdtemp(prefix="addonkit-test-", dir=base))
    home.chmod(0o711)
    try:
        yield home
    finally:
        kill_servers(home)
        shutil.rmtree(home, ignore_errors=True)


def kill_servers(home: Path) -> None:
    """Kill every server that was started below this home, and only those."""
    for path in home.glob("pools/*/record"):
        record = read_record(path)
        if record is None or not record.running:
            continue
        for pid in session_members(record.server.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def left_behind(home: Path) -> tuple[str, ...]:
    """What a home still has of servers: processes, directories, ports, locks. Empty when all is gone."""
    left = [f"process of {path.parent.name}" for path in home.glob("pools/*/record") if _runs(path)]
    for pattern in ("pools/*", "disks/*", "disks/.*", "ports/[0-9]*", "locks/*"):
        left += [str(path.relative_to(home)) for path in home.glob(pattern)]
    return tuple(sorted(left))


def _runs(path: Path) -> bool:
    record = read_record(path)
    return record is not None and record.running
