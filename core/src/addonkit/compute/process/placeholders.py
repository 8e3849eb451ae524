"""Fills `{port}`, `{port:NAME}`, `{disk}`, `{run}`, `{sockets}` and `{scratch}` into what a Program says."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from addonkit.errors import ComputeError
from addonkit.models.secret import Secret, reveal
from addonkit.util.values import frozen

_PLACEHOLDER: Final = re.compile(r"\{(port|disk|run|sockets|scratch)(?::([A-Za-z0-9_-]+))?\}")


@frozen
class Placeholders:
    """The values of placeholders.

    Attributes:
        disk: directory of the data.
        run: private directory of the pool.
        sockets: directory of the server's Unix sockets.
        ports: name to number, the first one being `{port}`.
        scratch: private folder of one command; None when it has none, and `{scratch}` stays as it is.
    """

    disk: Path
    run: Path
    sockets: Path
    ports: Mapping[str, int]
    scratch: Path | None = None

    def expand(self, text: str | Secret) -> str:
        """Return the text with its placeholders replaced, in clear; other braces stay as they are.

        Raises:
            ComputeError: for a port that the pool does not have.
        """
        return _PLACEHOLDER.sub(self._value, reveal(text))

    def _value(self, match: re.Match[str]) -> str:
        word, name = match.groups()
        if word == "sockets":
            return self._short_sockets()
        if word == "scratch":
            return str(self.scratch or match[0])
        if word != "port":
            return str(self.disk if word == "disk" else self.run)
        if name is None and self.ports:
            return str(next(iter(self.ports.values())))
        if name not in self.ports:
            raise ComputeError(f"cannot fill in {match[0]}", f"the pool has ports {', '.join(self.ports) or 'none'}")
        return str(self.ports[name])

    def _short_sockets(self) -> str:
        """Return the path of the sockets from the disk, where a server starts, if it is shorter than the whole."""
        whole = os.path.realpath(self.sockets)
        return min(os.path.relpath(whole, os.path.realpath(self.disk)), whole, key=len)
