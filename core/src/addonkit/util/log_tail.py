"""Reads a log that another process writes, and that is rotated meanwhile: copied to `log.1` and emptied."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from addonkit.errors import NotFound

INTERVAL: Final = 0.25
"""Seconds between looks at a log that is followed."""

FARTHEST: Final = 32 * 1024 * 1024
"""Bytes before the end of a log that are looked at."""

LONGEST: Final = 64 * 1024
"""Bytes of a line that are shown."""

_MOST_ROTATED: Final = 4
"""Rotated logs that are looked for."""

_ATTEMPTS: Final = 5
"""Looks at a log that is rotated while it is read."""

_PIECE: Final = 1024 * 1024
"""Bytes that are read at once."""


class _Rotated(NamedTuple):
    """A rotated log, open: its name changes with the next rotation."""

    file: BinaryIO
    size: int
    written: int
    """When it was written, in nanoseconds."""


class LogTail:
    """A place in a log. Bytes that are no UTF-8 are replaced; a line counts when its end was written.

    Args:
        path: of the log.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._offset = 0
        self._rest = b""
        self._newest = self._last_rotation()

    def last(self, number: int) -> list[str]:
        """Return the last lines there are, at most `number`; an unfinished one counts too.

        Raises:
            NotFound: the log is not there or cannot be read.
        """
        attempted = f"cannot read the log {self._path}"
        self._newest = self._last_rotation()
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, self._path.stat().st_size - FARTHEST))
                kept = deque(_lines(file), maxlen=number)
                self._offset = file.tell()
        except FileNotFoundError:
            raise NotFound(attempted, "there is none yet", "its server never started") from None
        except OSError as error:
            raise NotFound(attempted, str(error.strerror)) from error
        return [_text(line) for line in kept]

    def more(self) -> list[str]:
        """Return whole lines written since, in the order they came; what a rotation has moved meanwhile comes first."""
        for _ in range(_ATTEMPTS):
            if not self._read_rotated():
                return []
            offset, rest = self._offset, self._rest
            if self._size() < offset:
                self._offset, self._rest = 0, b""
            self._read(self._path)
            if self._last_rotation() <= self._newest:
                break
            self._offset, self._rest = offset, rest  # rotated while it was read: what was read may be of either log
        else:
            return []
        *whole, self._rest = self._rest.split(b"\n")
        self._rest = self._rest[:LONGEST]
        return [_text(line) for line in whole]

    def _read_rotated(self) -> bool:
        """Add what rotations have moved; False while a log is copied and not emptied yet."""
        with ExitStack() as files:
            newer = [*takewhile(lambda each: each.written > self._newest, self._rotated(files))]
            if newer and self._size() >= newer[0].size:
                return False
            for each in reversed(newer):
                if each.written > self._newest:
                    self._add(each.file, each.size)
                self._offset, self._newest = 0, each.written
        return True

    def _rotated(self, files: ExitStack) -> Iterator[_Rotated]:
        """Open rotated logs, the newest first; one that is renamed meanwhile may come twice, or be missing."""
        for number in range(1, _MOST_ROTATED + 1):
            try:
                file = files.enter_context(self._path.with_name(f"{self._path.name}.{number}").open("rb"))
            except OSError:
                continue
            status = os.fstat(file.fileno())
            yield _Rotated(file, status.st_size, status.st_mtime_ns)

    def _last_rotation(self) -> int:
        """Return when the newest rotated log was written, in nanoseconds; 0 without one."""
        with ExitStack() as files:
            return next((each.written for each in self._rotated(files)), 0)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return self._offset

    def _read(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self._add(file, os.fstat(file.fileno()).st_size)
        except OSError:
            return

    def _add(self, file: BinaryIO, size: int) -> None:
        """Add what a log has behind the place, at most FARTHEST bytes of it."""
        file.seek(max(self._offset, size - FARTHEST))
        self._rest += file.read(FARTHEST)
        self._offset = file.tell()


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file, of long ones their beginnings."""
    while line := file.readline(LONGEST):
        yield line
        while line and not line.endswith(b"\n"):
            line = file.readline(_PIECE)


def _text(line: bytes) -> str:
    return line[:LONGEST].decode(errors="replace").rstrip("\r\n")
