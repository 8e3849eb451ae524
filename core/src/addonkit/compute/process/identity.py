"""Identifies processes: a pid alone is not trusted, since pids are used again. Linux, from /proc."""

from __future__ import annotations

import errno
import os
import signal
from contextlib import suppress
from typing import NamedTuple

from addonkit.util.procfs import all_pids, boot_id, pid_namespace, read_status


class Identity(NamedTuple):
    """A process, told apart from any other one that ever has the same pid.

    Attributes:
        pid: its number.
        started: clock ticks between boot and its start, field 22 of /proc/PID/stat (proc(5)).
        boot: id of the boot, see procfs.boot_id.
        pids: id of the namespace in which the number counts; empty when it was not noted.
    """

    pid: int
    started: int
    boot: str
    pids: str = ""

    @property
    def judged_here(self) -> bool:
        """Return whether this process can tell by the pid if it runs: same boot, same namespace."""
        here = pid_namespace()
        return bool(here) and self.boot == boot_id() and self.pids in {"", here}


def is_running(identity: Identity) -> bool:
    """Return whether exactly this process is seen to run; one that has ended and was not collected yet does not."""
    if not identity.judged_here:
        return False
    status = read_status(identity.pid)
    return status is not None and status.started == identity.started and not status.ended


def session_members(session: int) -> tuple[int, ...]:
    """Return pids of the processes of a session that still run."""
    found = []
    for pid in all_pids():
        if not _may_be_of(session, pid):
            continue
        status = read_status(pid)
        if status is not None and status.session == session and not status.ended:
            found.append(pid)
    return tuple(found)


def _may_be_of(session: int, pid: int) -> bool:
    """Ask the kernel, which takes a hundredth of the time of reading a file of each process of the machine."""
    try:
        return os.getsid(pid) == session
    except PermissionError:  # a security module keeps it to itself
        return True
    except ProcessLookupError:
        return False


def send(identity: Identity, number: int) -> None:
    """Signal exactly this process. Does nothing when it has ended.

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
    """Return a pidfd; None where the kernel, or the container's seccomp profile, does not know such a thing."""
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in {errno.ENOSYS, errno.EPERM}:
            return None
        raise
