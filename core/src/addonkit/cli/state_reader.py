"""Reads the state of a home as the store wrote it: SQLite, JSON, and sealed values; nothing else is imported."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from addonkit.store.sealing import Sealer

_BUSY: Final = 2.0
"""Seconds to wait for a state that is being written."""

_COLUMNS: Final = "kind, name, data, revision, created, updated, checksum"

ACTIVE: Final = "active"
"""The phase of what is complete, see models.instance.Phase."""


@contextmanager
def open_state(home: str | None) -> Iterator[StateReader | None]:
    """Open the state of a home for reading; None when it takes more than reading to use this home.

    Args:
        home: directory given with `--home`.
    """
    from addonkit.kit.home import find_home, is_in_order
    from addonkit.store.keyfile import load_key
    from addonkit.store.migrate import SCHEMA_VERSION
    from addonkit.store.sealing import Sealer

    place = find_home(home, os.environ)
    state = place / "state.db"
    if os.environ.get("ADDONKIT_BACKEND") or not state.exists() or not os.access(place, os.W_OK):
        yield None
        return
    if not is_in_order(place, os.environ):
        yield None
        return
    with closing(_connect(state)) as file:
        reader = StateReader(place, file, Sealer(load_key(place, os.environ)))
        fits = file.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION and reader.has_its_key()
        yield reader if fits else None


def _connect(state: Path) -> sqlite3.Connection:
    """Return a connection with one view of the state for all that is asked."""
    import sqlite3

    file = sqlite3.connect(f"{state.as_uri()}?mode=ro", uri=True, timeout=_BUSY, isolation_level=None)
    try:
        file.execute("BEGIN")
        file.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        file.close()
        from addonkit.store.frozen import open_frozen

        frozen = open_frozen(state)  # the disk is full
        if frozen is None:
            raise
        return frozen
    except sqlite3.Error:
        file.close()
        raise
    return file


class StateReader:
    """Reads entities as trees of plain values.

    Attributes:
        home: the directory that holds everything.
    """

    def __init__(self, home: Path, file: sqlite3.Connection, sealer: Sealer) -> None:
        self.home = home
        self._file = file
        self._sealer = sealer

    def has_its_key(self) -> bool:
        """Return whether the key here is the one that the home began with."""
        mark = self.get("key-mark", "key")
        return mark is not None and bool(mark["key_id"] == self._sealer.key_id)

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return one entity, or None.

        Raises:
            ValueError: it is not as it was written.
        """
        row = self._file.execute(f"SELECT {_COLUMNS} FROM entity WHERE kind = ? AND name = ?", (kind, name)).fetchone()  # noqa: S608 - a constant
        return None if row is None else _tree(*row)

    def list(self, kind: str, field: str = "", value: str = "") -> list[dict[str, Any]]:
        """Return entities of a kind: all, or those with this value in an indexed field.

        Raises:
            ValueError: one is not as it was written.
        """
        query, values = f"SELECT {_COLUMNS} FROM entity WHERE kind = ?", [kind]  # noqa: S608 - a constant
        if field:
            query = (
                f"SELECT {_COLUMNS} FROM entity_index JOIN entity USING (kind, name)"  # noqa: S608 - a constant
                " WHERE kind = ? AND field = ? AND value = ?"
            )
            values += [field, value]
        return [_tree(*row) for row in self._file.execute(query, values)]

    def count(self, kind: str, field: str = "", value: str = "") -> int:
        """Return how many entities `list` would give."""
        if not field:
            return int(self._file.execute("SELECT count(*) FROM entity WHERE kind = ?", (kind,)).fetchone()[0])
        query = "SELECT count(*) FROM entity_index WHERE kind = ? AND field = ? AND value = ?"
        return int(self._file.execute(query, (kind, field, value)).fetchone()[0])

    def text(self, value: str | Mapping[str, str], row: str) -> str:
        """Return a text in clear; a secret is opened.

        Args:
            value: as it stands in the entity.
            row: id of the entity, `kind/name`.
        """
        from addonkit.store.keys import SEALED

        return value if isinstance(value, str) else self._sealer.open(value[SEALED], row)


def _tree(kind: str, name: str, data: str, revision: int, created: str, updated: str, check: int) -> dict[str, Any]:
    from addonkit.store.keys import checksum

    if check != checksum(kind, name, data, revision, created, updated):
        raise ValueError(f"{kind}/{name} is not as it was written")
    tree: dict[str, Any] = json.loads(data)
    return tree
