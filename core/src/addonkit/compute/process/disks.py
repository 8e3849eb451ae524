"""Disks: directories whose data nobody touches but their server, and an explicit delete."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from addonkit.compute.process.user import ServiceUser, own


class Disks:
    """Directories below `<home>/disks`: `<name>/data` is what a server gets as its disk."""

    def __init__(self, directory: Path, user: ServiceUser | None) -> None:
        self._directory = directory
        self._user = user

    def path(self, name: str) -> Path:
        """The directory of a disk."""
        return self._directory / name

    def data(self, name: str) -> Path:
        """The directory a server gets; there once the disk is prepared."""
        return self._directory / name / "data"

    def ensure(self, name: str) -> None:
        """Make the disk if it is not there."""
        self._directory.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.make_private(self.path(name))

    def make_private(self, path: Path) -> None:
        """A directory that only its server's user can see into."""
        path.mkdir(mode=0o700, exist_ok=True)
        own(self._user, path)

    def is_prepared(self, name: str) -> bool:
        """Whether the disk has been prepared; data on it is never prepared again."""
        return self.data(name).exists()

    def draft(self, name: str) -> Path:
        """An empty directory to prepare; what killed preparations have left is removed first."""
        for leftover in self.path(name).glob("preparing-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        draft = self.path(name) / f"preparing-{secrets.token_hex(4)}"
        self.make_private(draft)
        return draft

    def delete(self, name: str) -> None:
        """Remove the disk with all its data; the name is free at once, whatever interrupts the rest."""
        for leftover in self._directory.glob(".deleting-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        path = self.path(name)
        if path.exists():
            doomed = self._directory / f".deleting-{name}-{secrets.token_hex(4)}"
            path.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)

    def names(self) -> tuple[str, ...]:
        """Names of the disks that are here."""
        if not self._directory.exists():
            return ()
        return tuple(sorted(path.name for path in self._directory.iterdir() if not path.name.startswith(".")))
