"""Tells which users can read files of a home, and others."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_TEMPORARY: Final = tuple(Path(each) for each in ("/tmp", "/var/tmp", "/dev/shm"))  # noqa: S108 - looked at only

LONGEST: Final = 10_000_000
"""Bytes of a file that are looked at."""


_DEEPEST: Final = 2
"""Directories below one for temporary files in which files are looked for: a whole checkout may lie there."""


def files_below(home: Path) -> Iterator[Path]:
    """Return regular files, those of all directories below included."""
    return (path for path in home.rglob("*") if path.is_file() and not path.is_symlink())


def temporary_since(moment: float) -> Iterator[Path]:
    """Yield files right in the directories for temporary ones, changed since then (seconds since the epoch)."""
    for folder in _TEMPORARY:
        for path in folder.glob("*"):
            with suppress(OSError):
                if path.is_file() and not path.is_symlink() and path.stat().st_mtime >= moment:
                    yield path


def temporary_below(moment: float, besides: Path) -> Iterator[Path]:
    """Yield files below the directories for temporary ones, changed since then, but not those below `besides`."""
    for folder in _TEMPORARY:
        for place, folders, files in os.walk(folder):
            here = Path(place)
            is_deep = len(here.relative_to(folder).parts) >= _DEEPEST
            folders[:] = [] if is_deep else [n for n in folders if here / n != besides and not _is_home(here / n)]
            for name in files:
                with suppress(OSError):
                    status = (here / name).lstat()
                    if stat.S_ISREG(status.st_mode) and status.st_mtime >= moment:
                        yield here / name


def _is_home(folder: Path) -> bool:
    """Return whether it is a home of addonkit: what is in one is not elsewhere, and another's is not looked at."""
    try:
        return (folder / "state.db").exists()
    except OSError:
        return False


def text_of(path: Path) -> str:
    """Return what is in a file, its bytes taken for characters; empty when it is gone."""
    try:
        with path.open("rb") as file:
            return file.read(LONGEST).decode("latin-1")
    except (FileNotFoundError, PermissionError):
        return ""


def is_readable(path: Path, root: Path | None = None) -> bool:
    """Return whether others of the machine can open it: every directory on the way, from the root, lets them pass."""
    way = [each for each in path.parents if root is None or each.is_relative_to(root)]
    try:
        return bool(path.stat().st_mode & stat.S_IROTH) and all(each.stat().st_mode & stat.S_IXOTH for each in way)
    except FileNotFoundError:
        return False
