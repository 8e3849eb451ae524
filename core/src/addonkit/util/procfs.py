"""Reads what /proc tells of processes, where there is a /proc. Linux."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")
_HEAD: Final = 120
"""Bytes of /proc/PID/stat that hold the pid, the name, which has at most 64 bytes, and the state."""

_ENDED: Final = frozenset("ZXx")
"""States of a process that has ended, see proc_pid_stat(5): a zombie works on nothing any more."""


class Status(NamedTuple):
    """The content of /proc/PID/stat.

    Attributes:
        state: one letter; `T` is stopped.
        session: id of its session.
        started: clock ticks between boot and its start.
        threads: how many it has; a process whose first thread has ended is shown as a zombie, and has others still.
        parent: pid of its parent.
    """

    state: str
    session: int
    started: int
    threads: int
    parent: int = 0

    @property
    def ended(self) -> bool:
        """Return whether it has ended and was only not collected yet.

        Threads of a killed process end one by one, and the last one closes its files and ports.
        """
        return self.state in _ENDED and self.threads <= 1

    @property
    def stopped(self) -> bool:
        """Return whether a signal, such as Ctrl-Z sends, keeps it from running."""
        return self.state in {"T", "t"}


def boot_id() -> str:
    """Return an id of this boot; empty where the kernel shows none.

    The kernel's random id; where a container hides that, the time of the boot.
    """
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return _boot_time()


def pid_namespace() -> str:
    """Return the id of the namespace in which pids of this process count; empty where /proc shows none."""
    try:
        return str((_PROC / "self/ns/pid").stat().st_ino)
    except OSError:
        return ""


def read_status(pid: int) -> Status | None:
    """Return what the kernel shows of a process; None when it does not exist, or is hidden."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The command's name stands in parentheses and may hold anything, also spaces and parentheses.
    fields = text.rpartition(")")[2].split()
    return Status(fields[0], int(fields[3]), int(fields[19]), int(fields[17]), int(fields[1]))


def is_kept_from_running(pid: int) -> bool:
    """Return whether a signal has stopped a process, not a debugger. Cheap enough to ask often."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.read(descriptor, _HEAD).rpartition(b")")[2][1:2] == b"T"
    except OSError:
        return False
    finally:
        os.close(descriptor)


def all_pids() -> tuple[int, ...]:
    """Return the pids of all processes that are shown; none without a /proc."""
    try:
        return tuple(map(int, filter(str.isdigit, os.listdir(_PROC))))  # noqa: PTH208 - names are all we need
    except OSError:
        return ()


def _boot_time() -> str:
    try:
        lines = (_PROC / "stat").read_text().splitlines()
    except OSError:
        return ""
    return next((line for line in lines if line.startswith("btime ")), "")
