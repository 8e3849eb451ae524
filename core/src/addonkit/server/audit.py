"""The audit log: who changed what, from where and when, and what came of it. It never holds values."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import attrs

from addonkit.errors import StoreUnavailable
from addonkit.util.file_locks import lock_file

NAME: Final = "audit.log"
"""Name of the log in the home. Each line is one JSON object."""

REFUSED: Final = "audit-refused.log"
"""Name of the log of requests by clients that are not known: however many there are, none of the others is lost."""

LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a file, after which a new one is begun."""

KEPT: Final = 8
"""Former files that are kept, as `audit.log.1`, the newest, to `audit.log.8`."""


@attrs.frozen
class Entry:
    """One request that changes something, shows secrets, or was refused.

    Attributes:
        at: when it was answered.
        who: asked; empty for a client that is not known.
        where: it came from: an address, or `unix`.
        method: of HTTP; `path` is without what is behind `?`.
        status: of the answer.
        request: id of the request.
        operation: id of the operation that it began; empty without one.
    """

    at: datetime
    who: str
    where: str
    method: str
    path: str
    status: int
    request: str
    operation: str = ""


class AuditLog:
    """Appends to files that only their owner can read; several processes may do so, and the files may be rotated."""

    def __init__(self, home: Path, largest: int = LARGEST) -> None:
        self._home = home
        self._largest = largest

    def write(self, entry: Entry) -> None:
        """Append an entry, whole.

        Raises:
            StoreUnavailable: it cannot be written.
        """
        name = NAME if entry.who else REFUSED
        line = json.dumps({**attrs.asdict(entry), "at": entry.at.isoformat()}, ensure_ascii=True)
        try:
            if _append(self._home / name, f"{line}\n".encode()) >= self._largest:
                self._rotate(self._home / name)
        except OSError as error:
            advice = f"make {name} in the home writable; what was asked for may be done"
            raise StoreUnavailable("cannot write the audit log", f"{error.strerror or error}", advice) from error

    def _rotate(self, path: Path) -> None:
        """Begin a new file, unless another process has done so meanwhile."""
        lock = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            lock_file(lock)
            with suppress(FileNotFoundError):
                if path.stat().st_size < self._largest:
                    return
            files = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, KEPT + 1))]
            for newer, older in reversed([*pairwise(files)]):
                with suppress(FileNotFoundError):
                    newer.rename(older)
        finally:
            os.close(lock)


def _append(path: Path, line: bytes) -> int:
    """Append a line; return the size of the file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, line)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
