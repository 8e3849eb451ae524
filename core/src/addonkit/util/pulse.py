"""Measures how often a process gets a processor: one that wakes up several times a second has a pulse.

One read of an open file of /proc shows it, in a microsecond. A process that is stopped, or sleeps for good, shows none.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

_LINE: Final = 96
"""Bytes of /proc/PID/schedstat at most: three numbers."""


class Pulse:
    """Watches the first thread of a process, until it is closed.

    Args:
        pid: of the process; None stands for one that is not known, which shows no pulse.
    """

    def __init__(self, pid: int | None) -> None:
        self._file: int | None = None
        self._seen = b""
        if pid is not None:
            with suppress(OSError):  # it has ended, or the kernel does not tell
                self._file = os.open(f"/proc/{pid}/schedstat", os.O_RDONLY | os.O_CLOEXEC)

    def beats(self) -> bool:
        """Return whether it was given a processor since this was asked last; not where the kernel does not tell."""
        if self._file is None:
            return False
        try:
            seen = os.pread(self._file, _LINE, 0)
        except OSError:  # it has ended
            return False
        former, self._seen = self._seen, seen
        return seen != former

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
