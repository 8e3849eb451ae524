"""Which process is meant: a pid alone is not trusted, since pids are used again. Linux, from /proc."""

from __future__ import annotations

import errno
import os
import signal
from contextlib import suppress
from pathlib import Path

import attrs

_PROC = Path("/proc")


@attrs.frozen
class Identity:
    """A process, told apart from any other one that ever has the same pid.

    Attributes:
        pid: its number.
        started: clock ticks between boot and its start, field 22 of /proc/PID/stat (proc(5)).
        boot: the kernel's random id of this boot.
    """

    pid: int
    started: int
    boot: str


@attrs.frozen
class Status:
    """What /proc/PID/stat says: `state` is one letter, `session` the session id, `started` in clock ticks."""

    state: str
    session: int
    started: int


def boot_id() -> str:
    """The kernel's random id of this boot."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def read_status(pid: int) -> Status | None:
    """What the kernel knows of a process; None when there is none."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The command's name stands in parentheses and may hold anything, also spaces and parentheses.
    fields = text.rpartition(")")[2].split()
    return Status(fields[0], int(fields[3]), int(fields[19]))


def is_running(identity: Identity) -> bool:
    """Whether exactly this process runs; one that has ended and was not collected yet does not."""
    if identity.boot != boot_id():
        return False
    status = read_status(identity.pid)
    return status is not None and status.started == identity.started and status.state not in {"Z", "X"}


def session_members(session: int) -> tuple[int, ...]:
    """Pids of the processes of a session that still run."""
    found = []
    for pid in all_pids():
        status = read_status(pid)
        if status is not None and status.session == session and status.state not in {"Z", "X"}:
            found.append(pid)
    return tuple(found)


def all_pids() -> tuple[int, ...]:
    """Pids of everything there is, as far as we may know of it."""
    return tuple(int(name) for name in os.listdir(_PROC) if name.isdigit())  # noqa: PTH208 - names are all we need


def send(identity: Identity, number: int) -> None:
    """Signal exactly this process; nothing happens when it is gone.

    The descriptor pins the process: its number cannot change hands between the check and the signal.

    Raises:
        PermissionError: when it is not ours to signal.
    """
    with suppress(ProcessLookupError):
        descriptor = _pin(identity.pid)
        try:
            if is_running(identity):
                os.kill(identity.pid, number) if descriptor is None else signal.pidfd_send_signal(descriptor, number)
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _pin(pid: int) -> int | None:
    """A pidfd; None where the kernel, or the container's seccomp profile, does not know such a thing."""
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in {errno.ENOSYS, errno.EPERM}:
            return None
        raise
