"""Remembers the versions that programs told: an executable that has not changed says the same again. Blocking."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from addonkit.util.files import make_directory, replace_private

_BINARY: Final = b"\x7fELF"
_SIGN: Final = "\0"
"""What stands between the words of a command line, which is the key of an answer."""

_LONGEST: Final = 1000
"""Characters of an answer that is kept."""


class VersionCache:
    """Answers of executables in a file of the home.

    A script is asked each time: what it starts may have changed while it has not.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def recall(self, argv: Sequence[str]) -> str:
        """Return what the executable said to this command line as it is now; empty when that is not known."""
        known = self._load().get(_SIGN.join(argv))
        if not isinstance(known, dict) or known.get("file") != _identity(argv[0]):
            return ""
        return str(known.get("said", ""))

    def remember(self, argv: Sequence[str], said: str) -> None:
        """Keep an answer. Does nothing for a script, for a long answer, and where it cannot be kept."""
        identity = _identity(argv[0])
        if not identity or len(said) > _LONGEST:
            return
        there = os.path.exists  # False for what is no path, too
        kept = {key: value for key, value in self._load().items() if there(key.partition(_SIGN)[0])}
        kept[_SIGN.join(argv)] = {"file": identity, "said": said}
        with suppress(OSError):
            make_directory(self._path.parent, 0o755, parents=0o711)
            replace_private(self._path, json.dumps(kept).encode())

    def _load(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _identity(path: str) -> list[int]:
    """Return what changes with a binary; empty for what is none."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            if file.read(len(_BINARY)) != _BINARY:
                return []
            status = os.fstat(file.fileno())
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
