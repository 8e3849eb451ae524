"""Compares the program that a server runs with the one that is installed."""

from __future__ import annotations

import os
from pathlib import Path

from addonkit.compute.process.programs import executable
from addonkit.models.definition import ProgramSource


def runs_another(pid: int, source: ProgramSource, installed: Path) -> bool:
    """Return whether a process runs another file than the executable that is installed now. Blocking.

    An upgrade replaces the file, or puts another one beside it; a running process keeps the one that it was started
    from. Returns False where that cannot be seen, as of another user's process, or of one that is no server.

    Args:
        pid: of the server.
        source: names its executables, the server's own first.
        installed: the directory that a start would take them from.
    """
    program = executable(installed, source.executables[0])
    link = f"/proc/{pid}/exe"
    try:
        if program is None or not _is_named(os.readlink(link), source):  # noqa: PTH115 - the path need not exist
            return False
        return not os.path.samestat(os.stat(link), program.stat())  # noqa: PTH116 - of a file that may be deleted
    except OSError:
        return False


def _is_named(path: str, source: ProgramSource) -> bool:
    """Return whether it is the server itself: an interpreter that runs a script has a name of its own."""
    return Path(path.removesuffix(" (deleted)")).name in source.executables[0].split("|")
