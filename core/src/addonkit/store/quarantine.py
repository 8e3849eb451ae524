"""Keeping a damaged state file: it is copied aside once, and never written to or removed."""

from __future__ import annotations

import filecmp
from datetime import UTC, datetime
from pathlib import Path

from addonkit.errors import StoreCorrupted
from addonkit.util.files import copy_private


def quarantine(fault: StoreCorrupted, path: Path) -> StoreCorrupted:
    """Return the same error, naming the copy that was made of the state file and of its write-ahead log.

    Reading a file that SQLite has open gives up this process's locks on it; nothing is written through that
    connection any more.
    """
    try:
        copy = _copy(path)
    except OSError as error:
        found = f"{fault.found}; it could not be copied aside ({error.strerror})"
        return StoreCorrupted(fault.attempted, found, "save it, then restore a backup in its place")
    return StoreCorrupted(
        fault.attempted,
        f"{fault.found}; a copy is kept as {copy}",
        "restore a backup in its place, or move it away to begin anew",
        copy=str(copy),
    )


def _copy(path: Path) -> Path:
    for former in sorted(path.parent.glob(f"{path.name}.corrupt-*Z")):
        if filecmp.cmp(path, former, shallow=False):
            return former
    target = Path(f"{path}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    copy_private(path, target)
    log = Path(f"{path}-wal")
    if log.exists() and log.stat().st_size:
        copy_private(log, Path(f"{target}-wal"))
    return target
