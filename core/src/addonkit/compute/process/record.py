"""The run record of a pool: which process is its server, and when it was started lately."""

from __future__ import annotations

import json
from pathlib import Path

import attrs

from addonkit.compute.process.identity import Identity, is_running


@attrs.frozen
class RunRecord:
    """Written by the launcher.

    Attributes:
        server: the process.
        starts: times of the latest starts, seconds since the epoch, oldest first.
    """

    server: Identity
    starts: tuple[float, ...] = ()

    @property
    def running(self) -> bool:
        """Whether exactly that process runs."""
        return is_running(self.server)


def read_record(path: Path) -> RunRecord | None:
    """The record; None when the pool was never started. A damaged one counts as none: it names nobody."""
    try:
        data = json.loads(path.read_text())
        server = Identity(int(data["pid"]), int(data["started"]), str(data["boot"]))
        return RunRecord(server, tuple(float(each) for each in data["starts"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
