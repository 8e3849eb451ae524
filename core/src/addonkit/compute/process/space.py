"""Checks that a disk has room for one more server. Blocking."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from addonkit.errors import ComputeError

NEEDED: Final = 64 * 1024 * 1024
"""Bytes: a new PostgreSQL cluster takes 40 MB, its first databases and journals the rest."""
_BLOCK: Final = 512
"""Bytes in which the system counts what a file takes."""

_FILES: Final = 2000
"""Files: a new PostgreSQL cluster has 1000."""


def size_of_tree(directory: Path) -> int:
    """Return bytes that the files below a directory take on its disk; what vanishes meanwhile does not count."""
    total = 0
    for folder, _folders, files in os.walk(directory):
        for name in files:
            with suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_blocks * _BLOCK  # noqa: PTH118 - thousands
    return total


def check_space(home: Path) -> None:
    """Make sure that a new server, or one more database, finds room.

    Raises:
        ComputeError: the disk of the home is full, or nearly so.
    """
    try:
        disk = os.statvfs(home if home.exists() else home.parent)
    except OSError:
        return
    free = disk.f_bavail * disk.f_frsize
    advice = "free some, or set ADDONKIT_HOME to a directory on another disk"
    if free < NEEDED:
        found = f"its disk has {free / 1e6:.0f} MB free; {NEEDED / 1e6:.0f} MB are needed"
        raise ComputeError(f"cannot run another server in {home}", found, advice)
    if disk.f_files and disk.f_favail < _FILES:
        found = f"its disk has room for {disk.f_favail} files; {_FILES} are needed"
        raise ComputeError(f"cannot run another server in {home}", found, advice)
