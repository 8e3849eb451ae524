"""The run record of a pool: which process is its server, and when it was started lately."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from addonkit.compute.process.identity import Identity
from addonkit.util.files import replace_private


class RunRecord(NamedTuple):
    """Written by the launcher.

    Attributes:
        server: the process.
        starts: times of the latest starts, seconds since the epoch, oldest first.
        disks: names of the disks it uses.
        home: id of the home it was started for; empty when that had none.
    """

    server: Identity
    starts: tuple[float, ...] = ()
    disks: tuple[str, ...] = ()
    home: str = ""


def read_record(path: Path, home: str = "") -> RunRecord | None:
    """Return the record; None when the pool was never started for this home.

    A damaged record counts as none: it names no process. The lock on the disk still tells that a server works there.

    Raises:
        OSError: when it cannot be read.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb") as file:
            record = _parse(file.read())
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return None if home and record.home and record.home != home else record


def clear_start_history(path: Path, record: RunRecord) -> None:
    """Forget former starts: the server was stopped on purpose, so they were no crashes."""
    server = record.server._asdict()
    replace_private(path, json.dumps({**server, "starts": [], "disks": record.disks, "home": record.home}).encode())


def _parse(text: bytes) -> RunRecord:
    data = json.loads(text)
    server = Identity(int(data["pid"]), int(data["started"]), str(data["boot"]), str(data.get("pids", "")))
    starts = tuple(float(each) for each in data["starts"])
    return RunRecord(server, starts, tuple(data.get("disks", ())), str(data.get("home", "")))
