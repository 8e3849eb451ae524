"""Identifies owners of leases: one process of one boot of one machine, told apart from any other that ever ran."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path

import attrs

from addonkit.util.procfs import boot_id, pid_namespace, read_status
from addonkit.util.values import frozen


@frozen
class Owner:
    """The parts of an owner's text, `host:machine:boot:pids:pid:start:token`.

    Attributes:
        host: name of the machine.
        machine: short hash of its machine id.
        boot: id of the boot, from the kernel.
        pids: id of the namespace in which `pid` counts: a container has its own.
        pid: of the process; `start` is when it started, in clock ticks since the boot.
        token: random.
    """

    host: str
    machine: str
    boot: str
    pids: str
    pid: int
    start: int
    token: str

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """Return the parts, or None when the text is not an owner's."""
        try:
            host, machine, boot, pids, pid, start, token = text.split(":")
            return cls(host, machine, boot, pids, int(pid), int(start), token)
        except ValueError:
            return None

    def __str__(self) -> str:
        return ":".join(map(str, attrs.astuple(self)))


def this_owner() -> str:
    """Return a text that names this process; another one at each call."""
    pid = os.getpid()
    status = read_status(pid)
    start = status.started if status else 0  # without a /proc
    return str(Owner(*_machine(), pid, start, secrets.token_hex(4)))


def owner_alive(owner: str) -> bool:
    """Return whether the process of an owner runs.

    False only when that is certain: it ran on this machine, before it was booted or as a process that has ended.
    Of another machine or container nothing is known from here, so the answer is True and the lease's
    expiry decides.
    """
    parts = Owner.parse(owner)
    if parts is None:
        return True
    host, machine, boot, pids = _machine()
    if (parts.host, parts.machine) != (host, machine):
        return True
    if not boot or not pids:  # without a /proc
        return True
    if parts.boot != boot:
        return False
    return parts.pids != pids or _runs(parts.pid, parts.start)


def describe_owner(owner: str) -> str:
    """Return words for an owner, as `process 4711 on laptop`."""
    parts = Owner.parse(owner)
    return owner if parts is None else f"process {parts.pid} on {parts.host}"


def _machine() -> tuple[str, str, str, str]:
    """Return host name, machine, boot and process namespace of this process."""
    machine_id = b""
    with suppress(OSError):
        machine_id = Path("/etc/machine-id").read_bytes()
    machine = hashlib.sha256(b"addonkit machine" + machine_id).hexdigest()[:8]
    return socket.gethostname().replace(":", "_"), machine, boot_id(), pid_namespace()


def _runs(pid: int, start: int) -> bool:
    """Return whether the process with that number and start time runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's: it is there
    status = read_status(pid)
    # Without a status the process ended this moment, or is hidden from this user: nothing certain either way.
    return status is None or (not status.ended and status.started == start)
