"""Remembers which disks hold data, so that lost data are never taken for a new disk. Blocking.

A disk is remembered in two places: a file of the home, and a mark inside the data. They name the same random id.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Final

from addonkit.util.values import frozen

MARK: Final = "addonkit.disk"
"""Name of the mark, at the top of a server's data."""
_LONGEST: Final = 64 * 1024


@frozen
class DiskRecord:
    """The home's knowledge of the data on a disk.

    Attributes:
        id: random; the mark inside the data says the same.
        files: names of files below the disk that its server changes and cannot do without.
    """

    id: str
    files: tuple[str, ...] = ()

    def text(self) -> str:
        """Return what the mark says, and the file of the home."""
        return json.dumps({"id": self.id, "files": list(self.files)})


def find_loss(known: DiskRecord, record: Path, data: Path) -> str:
    """Return why a remembered disk does not hold its data: missing, incomplete, or of another server; empty if it does.

    Args:
        known: what the record says.
        record: the file of the home that remembers the disk.
        data: where its data should be.
    """
    if not holds_anything(data):
        return f"its data are not at {data} ({'it is empty' if data.exists() else 'it is missing'})"
    mark = read_mark(data / MARK)
    if mark is None:
        again = f"if they are, run `cp {record} {data / MARK}`"
        return f"its data are not at {data} (what is there is not known to be its own; {again})"
    if mark.id != known.id:
        return f"its data are not at {data} (what is there is of another server)"
    lost = [name for name in known.files if not _has_content(data / name)]
    return f"its data are not whole: {data / lost[0]} is missing or empty" if lost else ""


def read_mark(path: Path) -> DiskRecord | None:
    """Return what a mark says; None when there is none that can be understood. Follows no link."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        try:
            said = json.loads(file.read(_LONGEST))
            return DiskRecord(str(said["id"]), tuple(str(each) for each in said.get("files", ())))
        except (ValueError, KeyError, TypeError, AttributeError, OSError):
            return None


def holds_anything(directory: Path) -> bool:
    """Return whether a directory exists and is not empty.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with os.scandir(directory) as entries:
            return next(entries, None) is not None
    except (FileNotFoundError, NotADirectoryError):
        return False


def _has_content(path: Path) -> bool:
    try:
        return os.lstat(path).st_size > 0
    except FileNotFoundError:
        return False
