"""The audit log: who changed what, from where and when, and what came of it. It never holds values."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Final

import attrs

from addonkit.errors import StoreUnavailable

NAME: Final = "audit.log"
"""Name of the log in the home. Each line is one JSON object."""


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
    """Appends to a file that only its owner can read; several processes may do so, and the file may be rotated."""

    def __init__(self, home: Path) -> None:
        self.path = home / NAME

    def write(self, entry: Entry) -> None:
        """Append an entry, whole.

        Raises:
            StoreUnavailable: it cannot be written.
        """
        line = json.dumps({**attrs.asdict(entry), "at": entry.at.isoformat()}, ensure_ascii=True)
        try:
            self._append(f"{line}\n".encode())
        except OSError as error:
            advice = f"make {NAME} in the home writable; what was asked for may be done"
            raise StoreUnavailable("cannot write the audit log", f"{error.strerror or error}", advice) from error

    def _append(self, line: bytes) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)
