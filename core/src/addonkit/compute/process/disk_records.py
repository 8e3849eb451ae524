"""Remembers which disks hold data, so that lost data are never taken for a new disk. Blocking.

A disk is remembered in two places: a file of the home, and a mark inside the data. They name the same random id.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from addonkit.errors import PoolCrashed
from addonkit.util.files import make_directory, replace_private
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


class DiskRecords:
    """The remembered disks of a home: a file each, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def recall(self, disk: str) -> DiskRecord | None:
        """Return what is remembered of a disk; None when it was never prepared."""
        return read_mark(self._directory / disk)

    def remember(self, disk: str, known: DiskRecord) -> None:
        """Note that a disk holds data."""
        make_directory(self._directory, 0o700)
        replace_private(self._directory / disk, known.text().encode())

    def forget(self, disk: str) -> None:
        """Forget a disk. Does nothing when it is not remembered."""
        (self._directory / disk).unlink(missing_ok=True)

    def names(self) -> tuple[str, ...]:
        """Return names of the remembered disks."""
        try:
            return tuple(sorted(name for name in os.listdir(self._directory) if not name.startswith(".")))  # noqa: PTH208
        except FileNotFoundError:
            return ()

    def check(self, disk: str, data: Path, attempted: str) -> None:
        """Make sure that a remembered disk still holds its data.

        Raises:
            PoolCrashed: they are missing, incomplete, or those of another server.
        """
        known = self.recall(disk)
        if known is not None:
            missing = self._missing(disk, known, data)
            if missing:
                raise PoolCrashed(
                    attempted, missing, "mount or restore them, or run `addonkit destroy` for what is on it"
                )

    def _missing(self, disk: str, known: DiskRecord, data: Path) -> str:
        if not holds_anything(data):
            return f"its data are not at {data} ({'it is empty' if data.exists() else 'it is missing'})"
        mark = read_mark(data / MARK)
        if mark is None:
            again = f"if they are, run `cp {self._directory / disk} {data / MARK}`"
            return f"its data are not at {data} (what is there is not known to be its own; {again})"
        if mark.id != known.id:
            return f"its data are not at {data} (what is there is of another server)"
        lost = [name for name in known.files if not _has_content(data / name)]
        return f"its data are not whole: {data / lost[0]} is missing or empty" if lost else ""


def new_record(files: Sequence[str] = ()) -> DiskRecord:
    """Make what is remembered of a new disk."""
    return DiskRecord(secrets.token_hex(8), tuple(files))


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
