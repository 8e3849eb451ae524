"""The audit log: who changed what, from where and when, and what came of it. It never holds values."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Final

import attrs

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
        """Append an entry, whole."""
        line = json.dumps({**attrs.asdict(entry), "at": entry.at.isoformat()}, ensure_ascii=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)
