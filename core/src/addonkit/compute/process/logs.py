"""The log of a pool: bounded, rotated while the server goes on writing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

LONGEST: Final = 10 * 1024 * 1024
"""Bytes after which a log is rotated."""

COPIED: Final = 2 * LONGEST
"""Bytes of a long log that are kept when it is rotated: its end."""

KEPT: Final = 3
"""Rotated logs that are kept: log.1 is the newest."""

_TAIL_BYTES: Final = 16 * 1024


def rotate(log: Path) -> None:
    """Move what a log holds to log.1 when it is long.

    The file is copied and emptied, not renamed: the server has it open, and since it appends it goes on at
    the new end. What it writes between the two is lost, a line at most.
    """
    try:
        if log.stat().st_size <= LONGEST:
            return
    except FileNotFoundError:
        return
    for number in range(KEPT - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number + 1}"))
    _copy_end(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)


def _copy_end(log: Path, target: Path) -> None:
    """Copy the end of a log: a server can make its log as long as it likes, holes included."""
    target.unlink(missing_ok=True)
    flags = os.O_CLOEXEC | os.O_NOFOLLOW
    with (
        os.fdopen(os.open(log, os.O_RDONLY | flags), "rb") as source,
        os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | flags, 0o600), "wb") as copy,
    ):
        source.seek(max(0, os.fstat(source.fileno()).st_size - COPIED))
        copy.write(source.read(COPIED))


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log; bytes that are no UTF-8 are replaced. Empty without a log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(_harmless(line) for line in text.splitlines()[-lines:])


def _harmless(line: str) -> str:
    """The line without what a terminal would obey: a server logs what strangers send it."""
    return "".join(sign if sign.isprintable() or sign == "\t" else "\ufffd" for sign in line)
