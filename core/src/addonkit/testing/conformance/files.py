"""Who can read what: files of a home, and others."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_TEMPORARY: Final = tuple(Path(each) for each in ("/tmp", "/var/tmp", "/dev/shm"))  # noqa: S108 - looked at only

LONGEST: Final = 10_000_000
"""Bytes of a file that are looked at."""


def files_below(home: Path) -> Iterator[Path]:
    """Regular files, those of all directories below included."""
    return (path for path in home.rglob("*") if path.is_file() and not path.is_symlink())


def temporary_since(moment: float) -> Iterator[Path]:
    """Files right in the directories for temporary ones, changed since then (seconds since the epoch)."""
    for folder in _TEMPORARY:
        for path in folder.glob("*"):
            with suppress(OSError):
                if path.is_file() and not path.is_symlink() and path.stat().st_mtime >= moment:
                    yield path


def text_of(path: Path) -> str:
    """What is in a file, its bytes taken for characters; empty when it is gone."""
    try:
        with path.open("rb") as file:
            return file.read(LONGEST).decode("latin-1")
    except (FileNotFoundError, PermissionError):
        return ""


def is_readable(path: Path, root: Path | None = None) -> bool:
    """Whether others of the machine can open it: every directory on the way, from the root, lets them pass."""
    way = [each for each in path.parents if root is None or each.is_relative_to(root)]
    try:
        return bool(path.stat().st_mode & stat.S_IROTH) and all(each.stat().st_mode & stat.S_IXOTH for each in way)
    except FileNotFoundError:
        return False
