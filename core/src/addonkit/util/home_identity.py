"""Identifies homes: tells a copy from the original, and a home that was moved from one that was not.

The file `home.json` of a home holds a random id, and where it was written: path, device and inodes. A copy has the id
of the original in another place. Blocking.
"""

from __future__ import annotations

import json
import os
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple

from addonkit.util.files import sync_directory
from addonkit.util.procfs import boot_id, pid_namespace

FILE: Final = "home.json"
_LONGEST: Final = 64 * 1024


class Place(Enum):
    """The relation of a home to the place that its file names."""

    NEW = "new"
    """It has no file yet."""
    SAME = "same"
    MOVED = "moved"
    """It stood elsewhere, and no home is left there."""
    COPY = "copy"
    """The home it was copied from is in its place."""


class HomeIdentity(NamedTuple):
    """The content of `home.json`.

    Attributes:
        id: random; of the home and of its copies, until they are adopted.
        path: where the home was, links resolved.
        device: of its directory; counts within one boot.
        inode: of its directory.
        file: inode of `home.json` itself.
        boot: id of the boot in which this was written.
        pids: id of the namespace of processes in which it was written.
    """

    id: str
    path: str
    device: int
    inode: int
    file: int
    boot: str
    pids: str


def read_identity(home: Path) -> HomeIdentity | None:
    """Return what the home's file says; None when it has none that can be understood."""
    try:
        descriptor = os.open(home / FILE, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            said = json.loads(file.read(_LONGEST))
        numbers = (int(said["device"]), int(said["inode"]), int(said["file"]))
        return HomeIdentity(str(said["id"]), str(said["path"]), *numbers, str(said["boot"]), str(said["pids"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def home_id(home: Path) -> str:
    """Return the id of a home; empty when it has none yet."""
    found = read_identity(home)
    return found.id if found else ""


def stamp(home: Path, id: str = "") -> HomeIdentity:
    """Write where the home is now, with this id or a new one.

    Raises:
        OSError: the file cannot be written.
    """
    real = home.resolve()
    status = real.stat()
    draft = real / f".{FILE}.{os.urandom(4).hex()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        inode = os.fstat(descriptor).st_ino
        identity = HomeIdentity(
            id or os.urandom(8).hex(), str(real), status.st_dev, status.st_ino, inode, boot_id(), pid_namespace()
        )
        json.dump(identity._asdict(), file)
        file.flush()
        os.fsync(descriptor)
    draft.replace(real / FILE)
    sync_directory(real)
    return identity


def find_place(home: Path) -> tuple[Place, HomeIdentity | None]:
    """Tell how a home stands to the place that its file names.

    A copy is one whose original is still in its place. When nothing is left there, a home that was restored, or copied
    to another machine, counts as moved: no server of the original can be reached from it.
    """
    known = read_identity(home)
    if known is None:
        return Place.NEW, None
    if _is_at(known, home):
        # Another container may see the same directory under another path: that is no move.
        here = known.boot != boot_id() or known.pids == pid_namespace()
        return (Place.MOVED if here and not _same(Path(known.path), home) else Place.SAME), known
    original = Path(known.path)
    if str(home.resolve()) != known.path and home_id(original) == known.id and not _same(original, home):
        return Place.COPY, known
    return Place.MOVED, known


def _is_at(known: HomeIdentity, home: Path) -> bool:
    """Return whether the directory is the one in which the file was written.

    Device numbers may change with each boot, and with each start of a container: then both inodes have to be equal.
    """
    status = home.stat()
    if status.st_ino != known.inode:
        return False
    if status.st_dev == known.device:
        return True
    elsewhere = known.boot != boot_id() or known.pids != pid_namespace()
    return elsewhere and (home / FILE).stat().st_ino == known.file


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
