"""Reads a log that another process writes and may empty."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Final

from addonkit.errors import NotFound

INTERVAL: Final = 0.25
"""Seconds between looks at a log that is followed."""


class LogTail:
    """A place in a log. Bytes that are no UTF-8 are replaced; a line counts when its end was written.

    Args:
        path: of the log.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._offset = 0
        self._rest = b""

    def last(self, count: int) -> list[str]:
        """The last lines there are, at most `count`; an unfinished one counts too.

        Raises:
            NotFound: the log is not there or cannot be read.
        """
        attempted = f"cannot read the log {self._path}"
        try:
            with self._path.open("rb") as file:
                kept = deque(file, maxlen=count)
                self._offset = file.tell()
        except FileNotFoundError:
            raise NotFound(attempted, "there is none yet", "its server never started") from None
        except OSError as error:
            raise NotFound(attempted, str(error.strerror)) from error
        return [_text(line) for line in kept]

    def more(self) -> list[str]:
        """Whole lines written since; a log that became shorter is read from its start."""
        try:
            with self._path.open("rb") as file:
                if self._path.stat().st_size < self._offset:
                    self._offset, self._rest = 0, b""
                file.seek(self._offset)
                self._rest += file.read()
                self._offset = file.tell()
        except FileNotFoundError:
            return []
        *whole, self._rest = self._rest.split(b"\n")
        return [_text(line) for line in whole]


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r\n")
