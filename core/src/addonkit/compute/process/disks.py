"""Disks: directories whose data only their server and an explicit delete touch. Blocking."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from addonkit.compute.process.disk_records import MARK, DiskRecord, find_loss, holds_anything, read_mark
from addonkit.compute.process.server_users import ServerUsers
from addonkit.compute.process.user import user_of
from addonkit.errors import ComputeError, PoolCrashed
from addonkit.models.compute import DiskSpace
from addonkit.util.files import make_directory, remove_tree, replace_private

LOCK: Final = "lock"
"""Name of the file, beside the data, that a server holds locked for life."""
_DELETING: Final = re.compile(r"\.deleting-(.+)-[0-9a-f]{8}")

NEEDED: Final = 64 * 1024 * 1024
"""Bytes: a new PostgreSQL cluster takes 40 MB, its first databases and journals the rest."""
_BLOCK: Final = 512
"""Bytes in which the system counts what a file takes."""

_FILES: Final = 2000
"""Files: a new PostgreSQL cluster has 1000."""


class Disks:
    """Directories below `<home>/disks`: `<name>/data` is what a server gets as its disk.

    Only `data`, and what is to become it, belongs to the server's user: it must not be able to put something
    else in their place.

    Args:
        directory: holds the disks.
        records: directory of files that say which disks hold data.
        users: as whom servers run.
    """

    def __init__(self, directory: Path, records: Path, users: ServerUsers) -> None:
        self._directory = directory
        self._records = records
        self._users = users

    def path(self, name: str) -> Path:
        """Return the directory of a disk."""
        return self._directory / name

    def data(self, name: str) -> Path:
        """Return the directory a server gets; there once the disk is prepared."""
        return self._directory / name / "data"

    def lock(self, name: str) -> Path:
        """Return the file that the server on the disk holds locked."""
        return self._directory / name / LOCK

    def ensure(self, name: str) -> None:
        """Make the disk. Does nothing when it exists, or existed and holds data that are not in their place."""
        if self._known(name) is not None:
            return
        mode = 0o711 if self._users.named else 0o700
        make_directory(self._directory, mode)
        make_directory(self.path(name), mode)

    def check(self, name: str, attempted: str) -> None:
        """Make sure that a disk holds what it held.

        Raises:
            PoolCrashed: its data are missing, incomplete, or those of another server.
        """
        known = self._known(name)
        loss = find_loss(known, self._records / name, self.data(name)) if known else ""
        if loss:
            raise PoolCrashed(attempted, loss, "mount or restore them, or run `addonkit destroy` for what is on it")

    def is_prepared(self, name: str) -> bool:
        """Return whether the disk has been prepared; it is never prepared again."""
        return self._known(name) is not None or holds_anything(self.data(name))

    def recall(self, name: str) -> DiskRecord:
        """Return what is remembered of the disk, else what its mark says, else a new memory."""
        return self._known(name) or read_mark(self.data(name) / MARK) or DiskRecord(secrets.token_hex(8))

    def remember(self, name: str, files: tuple[str, ...]) -> None:
        """Note that the disk holds data, and which files belong to them."""
        known = self._known(name)
        wanted = attrs.evolve(self.recall(name), files=files)
        if known != wanted:
            make_directory(self._records, 0o700)
            replace_private(self._records / name, wanted.text().encode())

    def mark(self, name: str, data: Path) -> None:
        """Mark data, or what is to become them, as those of this disk.

        Raises:
            OSError: the mark cannot be made, or exists.
        """
        user = self._users.named and user_of(data)
        directory = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(MARK, flags, 0o600, dir_fd=directory), "w", encoding="utf-8") as file:
                file.write(self.recall(name).text())
                file.flush()
                os.fsync(file.fileno())
                if user is not None:
                    os.fchown(file.fileno(), user.uid, user.gid)
        finally:
            os.close(directory)

    def draft(self, name: str) -> Path:
        """Return an empty directory of our own to prepare; what killed preparations have left is removed first."""
        self.discard_drafts(name)
        draft = self.path(name) / f"preparing-{secrets.token_hex(4)}"
        draft.mkdir(mode=0o700)
        return draft

    def discard_drafts(self, name: str) -> None:
        """Remove what is half prepared."""
        for leftover in self.path(name).glob("preparing-*"):
            remove_tree(leftover)

    def delete(self, name: str) -> None:
        """Remove the disk with all its data; the name is free at once, whatever interrupts the rest.

        Raises:
            ComputeError: a part of the data cannot be removed; the next call tries again.
        """
        if self.path(name).exists():
            self._set_aside(name)
        (self._records / name).unlink(missing_ok=True)
        self._users.free(name)
        for doomed, owner in self._doomed():
            left = remove_tree(doomed)
            if left and owner == name:
                advice = "make them removable, then run the command again"
                raise ComputeError(f"cannot remove all data of disk {name}", left, advice)

    def names(self) -> tuple[str, ...]:
        """Return names of the disks that are here, those that could not be removed as a whole included."""
        if not self._directory.exists():
            return ()
        whole = {name for name in os.listdir(self._directory) if not name.startswith(".")}  # noqa: PTH208
        return tuple(sorted(whole | {owner for _, owner in self._doomed()}))

    def _known(self, name: str) -> DiskRecord | None:
        """Return what the home remembers of a disk; None when it was never prepared."""
        return read_mark(self._records / name)

    def _set_aside(self, name: str) -> None:
        try:
            self.path(name).rename(self._directory / f".deleting-{name}-{secrets.token_hex(4)}")
        except FileNotFoundError:
            return

    def _doomed(self) -> Iterator[tuple[Path, str]]:
        """Yield what is left of disks that were deleted, and the names that these had."""
        for path in self._directory.glob(".deleting-*"):
            found = _DELETING.fullmatch(path.name)
            if found:
                yield path, found[1]


def size_of_tree(directory: Path) -> int:
    """Return bytes that the files below a directory take on its disk; what vanishes meanwhile does not count."""
    total = 0
    for folder, _folders, files in os.walk(directory):
        for name in files:
            with suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_blocks * _BLOCK  # noqa: PTH118 - thousands
    return total


def space_of(home: Path) -> DiskSpace | None:
    """Return the room on the disk of a home; None where the system does not tell."""
    try:
        disk = os.statvfs(home if home.exists() else home.parent)
    except OSError:
        return None
    unit = disk.f_frsize
    return DiskSpace(str(home), disk.f_bavail * unit, disk.f_blocks * unit, disk.f_favail, disk.f_files)


def check_space(home: Path) -> None:
    """Make sure that a new server, or one more database, finds room.

    Raises:
        ComputeError: the disk of the home is full, or nearly so.
    """
    space = space_of(home)
    if space is None:
        return
    advice = "free some, or set ADDONKIT_HOME to a directory on another disk"
    if space.free < NEEDED:
        found = f"its disk has {space.free / 1e6:.0f} MB free; {NEEDED / 1e6:.0f} MB are needed"
        raise ComputeError(f"cannot run another server in {home}", found, advice)
    if space.files and space.files_free < _FILES:
        found = f"its disk has room for {space.files_free} files; {_FILES} are needed"
        raise ComputeError(f"cannot run another server in {home}", found, advice)
