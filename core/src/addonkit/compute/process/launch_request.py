"""Send requests to the launcher."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from addonkit.compute.process import launcher
from addonkit.compute.process.logs import rotator
from addonkit.compute.process.placeholders import Placeholders
from addonkit.compute.process.user import ServiceUser
from addonkit.models.compute import File
from addonkit.util.procfs import boot_id, pid_namespace
from addonkit.util.values import frozen

_LIMIT: Final = 20.0
"""Seconds until a launched process must have become what it should."""


@frozen
class Detached:
    """A process that outlives us: where its record and log are, when it was started, which disks it uses, whose it is.

    Attributes:
        keep: descriptors that the process inherits: locks that it holds for life.
    """

    record: Path
    log: Path
    starts: Sequence[float]
    disks: Sequence[str]
    home: str
    keep: Sequence[int]


@frozen
class LaunchRequest:
    """A request to the launcher; see there.

    Attributes:
        user: who does it; None for ourselves.
        remove: files to delete.
        write: files to write, placeholders in them filled from `placeholders`.
        sockets: directory to empty of the sockets of a former server.
    """

    user: ServiceUser | None
    placeholders: Placeholders
    remove: Sequence[File] = ()
    write: Sequence[File] = ()
    argv: Sequence[str] = ()
    env: Mapping[str, str] = attrs.field(factory=dict)
    cwd: str = "/"
    detached: Detached | None = None
    sockets: Path | None = None


def send_request(request: LaunchRequest, hold: Sequence[int] = ()) -> str:
    """Have a request carried out; returns what went wrong, empty when nothing did. Blocking.

    The descriptors of `hold` stay open in the launcher until it has become the program, whatever happens to us.
    """
    ours, fault = os.pipe()
    keep = request.detached.keep if request.detached else ()
    with os.fdopen(ours, "rb") as told:
        try:
            subprocess.run(  # noqa: S603 - our own launcher
                [sys.executable, "-I", "-S", launcher.__file__],
                input=json.dumps(_words(request, fault, hold)).encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                pass_fds=(fault, *hold, *keep),
                check=False,
                timeout=_LIMIT,
            )
        except subprocess.TimeoutExpired:
            return f"the launcher did not answer within {_LIMIT:g} s"
        finally:
            os.close(fault)
        if not select.select([told], [], [], _LIMIT)[0]:
            return f"it was not launched within {_LIMIT:g} s"
        return told.read().decode(errors="replace")


def _words(request: LaunchRequest, fault: int, hold: Sequence[int]) -> dict[str, object]:
    fill, detached = request.placeholders.expand, request.detached
    return {
        "fault": fault,
        "hold": list(hold),
        "user": [request.user.uid, request.user.gid] if request.user else None,
        "remove": [fill(file.path) for file in request.remove],
        "files": [[fill(file.path), fill(file.content), file.once] for file in request.write],
        "sockets": str(request.sockets) if request.sockets else None,
        "argv": list(request.argv),
        "env": dict(request.env),
        "cwd": request.cwd,
        "record": str(detached.record) if detached else None,
        "log": str(detached.log) if detached else None,
        "rotator": list(rotator(detached.log.parent)) if detached else [],
        "starts": list(detached.starts) if detached else [],
        "disks": list(detached.disks) if detached else [],
        "home": detached.home if detached else "",
        "boot": boot_id(),
        "pids": pid_namespace(),
    }
