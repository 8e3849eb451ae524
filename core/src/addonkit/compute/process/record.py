"""The run record of a pool: which process is its server, and when it was started lately."""

from __future__ import annotations

import json
from pathlib import Path

import attrs

from addonkit.compute.process.files import write_private
from addonkit.compute.process.identity import Identity, is_running


@attrs.frozen
class RunRecord:
    """Written by the launcher.

    Attributes:
        server: the process.
        starts: times of the latest starts, seconds since the epoch, oldest first.
        disks: names of the disks it uses.
    """

    server: Identity
    starts: tuple[float, ...] = ()
    disks: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        """Whether exactly that process runs."""
        return is_running(self.server)


def read_record(path: Path) -> RunRecord | None:
    """The record; None when the pool was never started. A damaged one counts as none: it names nobody."""
    try:
        data = json.loads(path.read_text())
        server = Identity(int(data["pid"]), int(data["started"]), str(data["boot"]))
        return RunRecord(server, tuple(float(each) for each in data["starts"]), tuple(data.get("disks", ())))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def clear_start_history(path: Path, record: RunRecord) -> None:
    """Forget former starts: the server was stopped on purpose, so they were no crashes."""
    server = {"pid": record.server.pid, "started": record.server.started, "boot": record.server.boot}
    write_private(path, json.dumps({**server, "starts": [], "disks": record.disks}).encode())
