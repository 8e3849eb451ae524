"""The quick way to an app's environment: SQLite, the sealed values, and the run records of its servers; nothing else.

It answers only when there is nothing to do: all that the app has is active and all its servers run. In every other
case, and whenever anything is odd, the answer is None and the whole of addonkit is asked, which finds out and tells.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from addonkit.store.sealing import Sealer

_BUSY: Final = 2.0
"""Seconds to wait for a state that is being written."""

_BEGINNING: Final = 15.0
"""Seconds after its start in which a server may not answer yet."""

_STOPPED: Final = frozenset({"T", "t"})
"""States of a process that was stopped by a signal or a debugger, as proc(5) has them."""

_PROGRAMS: Final = "_programs"
"""As `models.definition.CONFIG_PROGRAMS`."""

_ACTIVE: Final = "active"

_COLUMNS: Final = "kind, name, data, revision, created, updated, checksum"


class Entry(NamedTuple):
    """A variable, in clear, and where it comes from: `manual`, or an instance's name."""

    key: str
    text: str
    sensitive: bool
    source: str


class Reading(NamedTuple):
    """What an app receives; see models.views.Environment, which costs more to import."""

    entries: tuple[Entry, ...]
    unset: tuple[str, ...]
    programs: tuple[str, ...]

    @property
    def values(self) -> dict[str, str]:
        """Names to values in clear."""
        return {entry.key: entry.text for entry in self.entries}


def read(home: str | None, app: str, *, running: bool = True) -> Reading | None:
    """Return what an app receives, or None when more than reading is needed to tell.

    Args:
        home: directory given with `--home`.
        app: its name.
        running: whether the servers have to run.
    """
    if os.environ.get("ADDONKIT_BACKEND"):
        return None
    try:
        return _read(home, app, running=running)
    except Exception:  # noqa: BLE001 - whatever it is, the long way finds out and tells
        return None


def _read(home: str | None, app: str, *, running: bool) -> Reading | None:
    import sqlite3

    from addonkit.kit.home import find_home, is_in_order
    from addonkit.store.keyfile import load_key
    from addonkit.store.migrate import SCHEMA_VERSION
    from addonkit.store.sealing import Sealer

    place = find_home(home, os.environ)
    state = place / "state.db"
    if not state.exists() or not os.access(place, os.W_OK) or not is_in_order(place, os.environ):
        return None
    with closing(sqlite3.connect(f"{state.as_uri()}?mode=ro", uri=True, timeout=_BUSY, isolation_level=None)) as file:
        file.execute("BEGIN")  # one view of the state for all that is asked
        if file.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
            return None
        reader = _Reader(file, Sealer(load_key(place, os.environ)))
        found = reader.environment(app)
    if found is None or (running and not all(_runs(place, server) for server in reader.servers)):
        return None
    return found


class _Reader:
    """Reads entities as the store wrote them."""

    def __init__(self, file: sqlite3.Connection, sealer: Sealer) -> None:
        self._file = file
        self._sealer = sealer
        self.servers: set[str] = set()

    def environment(self, app: str) -> Reading | None:
        """What `Kit.environment` answers; None when something of it is under way or failed."""
        owner, mark = self._entity("app", app), self._entity("key-mark", "key")
        if owner is None or mark is None or mark["key_id"] != self._sealer.key_id:
            return None
        entries = [self._entry(each, f"app/{app}", "manual") for each in owner["variables"]]
        unset: set[str] = set()
        programs: dict[str, None] = {}
        for association in sorted(self._associations(app), key=lambda found: (found["order"], found["id"])):
            instance = self._entity("instance", association["instance"])
            if instance is None:
                return None
            if not instance["phase"] == association["phase"] == _ACTIVE or not self._is_up(instance["server"]):
                return None
            row = f"association/{association['id']}"
            entries += [self._entry(each, row, instance["name"]) for each in association["variables"]]
            unset.update(association.get("unset_variables", ()))
            programs[instance["config"].get(_PROGRAMS, "")] = None
        return Reading(tuple(entries), tuple(sorted(unset)), tuple(each for each in programs if each))

    def _is_up(self, server: str) -> bool:
        """Whether a server is to run; it is looked at later. An instance without one needs none."""
        if not server:
            return True
        pool = self._entity("pool", server)
        self.servers.add(server)
        return pool is not None and pool["spec"]["desired_instances"] > 0

    def _entity(self, kind: str, name: str) -> dict[str, Any] | None:
        row = self._file.execute(f"SELECT {_COLUMNS} FROM entity WHERE kind = ? AND name = ?", (kind, name)).fetchone()  # noqa: S608 - a constant
        return None if row is None else _tree(*row)

    def _associations(self, app: str) -> list[dict[str, Any]]:
        query = (
            f"SELECT {_COLUMNS} FROM entity JOIN entity_index USING (kind, name)"  # noqa: S608 - a constant
            " WHERE kind = 'association' AND field = 'app' AND value = ?"
        )
        return [_tree(*row) for row in self._file.execute(query, (app,))]

    def _entry(self, tree: Mapping[str, Any], row: str, source: str) -> Entry:
        from addonkit.store.keys import SEALED

        value = tree["value"]
        text = self._sealer.open(value[SEALED], row) if isinstance(value, dict) else value
        return Entry(tree["key"], text, tree["sensitive"], source)


def _tree(kind: str, name: str, data: str, revision: int, created: str, updated: str, check: int) -> dict[str, Any]:
    from addonkit.store.keys import checksum

    if check != checksum(kind, name, data, revision, created, updated):
        raise ValueError(f"{kind}/{name} is not as it was written")
    tree: dict[str, Any] = json.loads(data)
    return tree


def _runs(home: Path, server: str) -> bool:
    """Whether the process that is recorded as this server's runs, works in this home, and has had time to begin."""
    from addonkit.compute.process.identity import is_running
    from addonkit.compute.process.record import read_record
    from addonkit.util.procfs import read_status

    record = read_record(home / "pools" / server / "record")
    if (
        record is None
        or not is_running(record.server)
        or not record.starts
        or time.time() - record.starts[-1] < _BEGINNING
    ):
        return False
    status = read_status(record.server.pid)
    works_in = os.readlink(f"/proc/{record.server.pid}/cwd")  # noqa: PTH115 - its text, `(deleted)` included, is what counts
    return status is not None and status.state not in _STOPPED and is_below(works_in, home)


def is_below(directory: str, home: Path) -> bool:
    """Whether a directory is in a home, whatever links lead there; a copy of a home is another one."""
    return f"{directory}/".startswith(f"{os.path.realpath(home)}/")
