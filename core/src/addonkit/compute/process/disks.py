"""Disks: directories whose data nobody touches but their server, and an explicit delete."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from addonkit.compute.process.user import ServiceUser, chown, user_of


class Disks:
    """Directories below `<home>/disks`: `<name>/data` is what a server gets as its disk.

    Only `data`, and what is to become it, belongs to a service user: it must not be able to put something
    else in their place.
    """

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
        self.path(name).mkdir(mode=0o711 if self._user else 0o700, exist_ok=True)

    def user(self, name: str) -> ServiceUser | None:
        """Who runs a server on the disk: whose data it holds, when another service user was chosen since."""
        if self._user is None or not self.is_prepared(name):
            return self._user
        return user_of(self.data(name)) or self._user

    def is_prepared(self, name: str) -> bool:
        """Whether the disk has been prepared; data on it is never prepared again."""
        return self.data(name).exists()

    def draft(self, name: str) -> Path:
        """An empty directory to prepare; what killed preparations have left is removed first."""
        self.discard_drafts(name)
        draft = self.path(name) / f"preparing-{secrets.token_hex(4)}"
        draft.mkdir(mode=0o700)
        chown(self._user, draft)
        return draft

    def discard_drafts(self, name: str) -> None:
        """Remove what is half prepared."""
        for leftover in self.path(name).glob("preparing-*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def delete(self, name: str) -> None:
        """Remove the disk with all its data; the name is free at once, whatever interrupts the rest."""
        for leftover in self._directory.glob(".deleting-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        doomed = self._directory / f".deleting-{name}-{secrets.token_hex(4)}"
        try:
            self.path(name).rename(doomed)
        except FileNotFoundError:
            return
        shutil.rmtree(doomed, ignore_errors=True)

    def names(self) -> tuple[str, ...]:
        """Names of the disks that are here."""
        if not self._directory.exists():
            return ()
        return tuple(sorted(name for name in os.listdir(self._directory) if not name.startswith(".")))  # noqa: PTH208
