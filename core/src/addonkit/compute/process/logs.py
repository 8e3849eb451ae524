"""The log of a pool: who keeps it bounded, and its end."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from addonkit.compute.process import log_rotator
from addonkit.compute.process.disk_lock import is_held
from addonkit.compute.process.identity import Identity
from addonkit.util.text import last_lines

_TAIL_BYTES: Final = 16 * 1024
_LIMIT: Final = 10.0
"""Seconds that a rotator may take to detach itself."""

BEGINNING: Final = 5.0
"""Seconds after the start of a server in which its rotator may not have begun."""


def is_rotated(directory: Path) -> bool:
    """Return whether a process bounds the log of this pool, whose directory it is."""
    return is_held(directory / log_rotator.LOCK)


def ensure_rotated(server: Identity, directory: Path) -> None:
    """Start a rotator for a running server that has none: it was killed, or a former version started the server."""
    if is_rotated(directory):
        return
    with suppress(OSError, subprocess.SubprocessError):
        subprocess.run(  # noqa: S603 - our own rotator
            [*rotator(directory), str(server.pid), str(server.started)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            check=False,
            timeout=_LIMIT,
        )


def rotator(directory: Path) -> tuple[str, ...]:
    """Return the command that rotates the log of a pool; pid and start time of the server go behind it."""
    return (sys.executable, "-I", "-S", log_rotator.__file__, str(directory))


def tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a log; bytes that are no UTF-8 are replaced. Empty without a log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(_harmless(line) for line in text.splitlines()[-lines:])


def last_words(log: Path) -> str:
    """Return the end of a log in one line."""
    return last_lines(tail(log), 5) or "its log is empty"


def _harmless(line: str) -> str:
    """Return the line without what a terminal would obey: a server logs what strangers send it."""
    return "".join(sign if sign.isprintable() or sign == "\t" else "\ufffd" for sign in line)
