"""Looks at servers as the process backend does, and changes nothing: which run and answer, which were stopped."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    from addonkit.cli.state_reader import StateReader
    from addonkit.compute.process.record import RunRecord

_BEGINNING: Final = 15.0
"""Seconds after its start in which a server may not answer yet."""

RUNNING: Final = "running"
STOPPED: Final = "stopped"
"""States of servers, as the views of instances have them."""


def can_be_used(reader: StateReader, server: str) -> bool:
    """Return whether a server is to run and its process works in this home. It answers, or has just been started."""
    pool = reader.get("pool", server)
    record = _record(reader.home, server)
    if pool is None or not pool["spec"]["desired_instances"] or record is None or not _works(reader.home, record):
        return False
    is_old = bool(record.starts) and time.time() - record.starts[-1] >= _BEGINNING
    return is_old or _answers(reader, pool, record)


def state_of(reader: StateReader, pool: dict[str, Any]) -> str:
    """Return RUNNING or STOPPED as the backend would find it, with nothing to do; empty when it takes more to tell."""
    record = _record(reader.home, pool["name"])
    if pool["spec"]["desired_instances"]:
        serves = record is not None and _works(reader.home, record) and _is_kept(reader.home, pool["name"], record)
        return RUNNING if serves and record is not None and _answers(reader, pool, record) else ""
    return STOPPED if record is None or _has_ended(record) else ""


def process_of(home: Path, server: str) -> int:
    """Return the pid of a server that has a record."""
    record = _record(home, server)
    return record.server.pid if record else 0


def _record(home: Path, server: str) -> RunRecord | None:
    from addonkit.compute.process.record import read_record
    from addonkit.util.home_identity import home_id

    return read_record(home / "pools" / server / "record", home_id(home))


def _works(home: Path, record: RunRecord) -> bool:
    """Return whether the process runs, was not stopped by a signal, and works in this home."""
    from addonkit.compute.process.identity import is_running
    from addonkit.util.procfs import read_status

    if not is_running(record.server):
        return False
    status = read_status(record.server.pid)
    works_in = os.readlink(f"/proc/{record.server.pid}/cwd")  # noqa: PTH115 - its text, `(deleted)` included, is what counts
    return status is not None and not status.stopped and is_below(works_in, home)


def _has_ended(record: RunRecord) -> bool:
    """Return whether the process is known to have ended: in this namespace, and not only hidden."""
    from addonkit.compute.process.identity import is_running
    from addonkit.util.procfs import read_status

    if not record.server.judged_here or is_running(record.server):
        return False
    if read_status(record.server.pid) is not None:  # another process has its number now
        return True
    try:
        os.kill(record.server.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _is_kept(home: Path, server: str, record: RunRecord) -> bool:
    """Return whether a server holds its locks, and a process bounds its log."""
    from addonkit.compute.process.disk_lock import is_held
    from addonkit.compute.process.log_rotator import LOCK

    pool = home / "pools" / server
    locks = [home / "disks" / disk / "lock" for disk in record.disks] or [pool / "alive"]
    return all(map(is_held, (*locks, pool / LOCK)))


def _answers(reader: StateReader, pool: dict[str, Any], record: RunRecord) -> bool:
    """Return whether a server answers in its own protocol: through its Unix socket, else on a port that it listens on.

    No other user can make a socket in the server's directory; any program can listen on a port. When one does so
    beside the server, this is not the place to explain it.
    """
    from addonkit.compute.process.answer import ExpectedAnswer
    from addonkit.compute.process.probe_connection import ProbeRequest
    from addonkit.compute.process.quick_probe import answers, listens
    from addonkit.util.listeners import listeners

    program = pool["spec"]["program"]
    probe = program["probe"]
    port = pool["ports"][probe["port"]]
    path = _socket(reader.home, pool, program["socket"])
    alone = len(listeners(port)) == 1 if path else listens(record.server.pid, port)
    if not alone:
        return False
    send = reader.text(probe["send"], f"pool/{pool['name']}").encode("latin-1")
    return answers(ProbeRequest(send, ExpectedAnswer(probe["expect"], probe["pattern"]), pool["host"], port, path))


def _socket(home: Path, pool: dict[str, Any], name: str) -> str:
    if not name:
        return ""
    from addonkit.compute.process.placeholders import Placeholders

    sockets = home / "pools" / pool["name"] / "sockets"
    return str(sockets / Placeholders(sockets, sockets, sockets, pool["ports"]).expand(name))


def is_below(directory: str, home: Path) -> bool:
    """Return whether a directory is in a home, whatever links lead there; a copy of a home is another one."""
    return f"{directory}/".startswith(f"{os.path.realpath(home)}/")
