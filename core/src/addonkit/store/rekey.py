"""Gives a home another key when its own was lost. What was sealed is lost too: a new secret stands in its place."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import attrs

from addonkit.models.app import App
from addonkit.models.certificate import Authority
from addonkit.models.execution import Execution
from addonkit.models.instance import Server
from addonkit.models.lost_secrets import LOST, LostSecrets
from addonkit.models.secret import Secret
from addonkit.models.settings import Settings
from addonkit.store.connection import connect
from addonkit.store.error_mapping import FAULTS, fault_of, file_fault
from addonkit.store.key_check import NAME, KeyMark
from addonkit.store.keys import SEALED, checksum
from addonkit.store.sealing import Sealer
from addonkit.store.verify import verify
from addonkit.util.files import create_private

_BUSY: Final = 10.0
"""Seconds to wait while another process has the state locked."""

_BACKUP_KEY: Final = "backup_key"
_DELETED: Final = frozenset({Execution.kind, Authority.kind, _BACKUP_KEY})
"""Kinds whose rows go: an execution begins anew; a key of backups, or of certificates, is made when it is needed."""

_MARK: Final = (KeyMark.kind, NAME)


def key_of(state: Path) -> str:
    """Return the id of the key that a home's secrets are sealed with; empty when it has none yet.

    Raises:
        StoreError: the state cannot be read.
        Busy: another process keeps it locked.
    """
    with _opened(state, "read the state") as connection:
        return _key_id(connection)


def copy_state(state: Path, target: Path) -> None:
    """Copy a state as it is, secrets sealed, to a file that only its owner reads. One that is there stays.

    Raises:
        StoreError: the state cannot be read, or the copy cannot be written.
        Busy: another process keeps it locked.
    """
    if target.exists():
        return
    draft = target.with_name(f"{target.name}.new")
    with _opened(state, "copy the state") as source:
        draft.unlink(missing_ok=True)
        create_private(draft, b"")
        with closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
        draft.replace(target)


def rekey(state: Path, sealer: Sealer, now: datetime) -> None:
    """Seal a new secret in the place of each one, and record what that loses, in one transaction.

    Does nothing when the home has this key already. The whole state is verified first: a damaged record would pass
    for one that is whole afterwards.

    Args:
        state: of the home.
        sealer: with the new key.
        now: the time.

    Raises:
        StoreError: the state cannot be used.
        Busy: another process keeps it locked.
    """
    with _opened(state, "change the key of") as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _key_id(connection) != sealer.key_id:
                verify(connection)
                _Rekeying(connection, sealer, now.isoformat()).run()
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


@contextmanager
def _opened(state: Path, purpose: str) -> Iterator[sqlite3.Connection]:
    """Connect to a state for the block; a damaged one is copied aside, as the store does."""
    try:
        with closing(connect(state, _BUSY)) as connection:
            yield connection
    except FAULTS as error:
        raise fault_of(error, state, purpose) from error
    except OSError as error:
        raise file_fault(error, state, purpose) from error


def _key_id(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT data FROM entity WHERE kind = ? AND name = ?", _MARK).fetchone()
    return str(json.loads(row[0])["key_id"]) if row else ""


class _Rekeying:
    """One transaction."""

    def __init__(self, connection: sqlite3.Connection, sealer: Sealer, now: str) -> None:
        self._connection = connection
        self._sealer = sealer
        self._now = now
        self._lost = LostSecrets()

    def run(self) -> None:
        query = "SELECT kind, name, data, revision, created FROM entity WHERE instr(data, ?)"
        for kind, name, data, revision, created in self._connection.execute(query, (f'"{SEALED}":',)).fetchall():
            if kind in _DELETED:
                self._delete(kind, name)
            else:
                self._write(kind, name, self._renewed(kind, name, json.loads(data)), revision + 1, created)
        self._put(_MARK, {"key_id": self._sealer.key_id})
        self._put((LostSecrets.kind, LOST), attrs.asdict(self._lost))

    def _renewed(self, kind: str, name: str, tree: Any) -> Any:
        if kind == App.kind:
            kept = [each for each in tree["variables"] if not _is_sealed(each["value"])]
            gone = tuple(f"{name}: {each['key']}" for each in tree["variables"] if each not in kept)
            self._lost = attrs.evolve(self._lost, variables=(*self._lost.variables, *gone))
            return {**tree, "variables": kept}
        if kind == Settings.kind:
            values = {key: value for key, value in tree["values"].items() if not _is_sealed(value)}
            gone = tuple(f"{name}: {key}" for key in tree["values"] if key not in values)
            self._lost = attrs.evolve(self._lost, settings=(*self._lost.settings, *gone))
            return {**tree, "values": values}
        if kind == Server.kind:
            tree = {**tree, "certificate": None}  # a server does not start with a key that does not fit
        row = f"{kind}/{name}"
        return _replaced(tree, lambda: {SEALED: self._sealer.seal(Secret.generate().reveal(), row)})

    def _delete(self, kind: str, name: str) -> None:
        if kind == _BACKUP_KEY:
            self._lost = attrs.evolve(self._lost, backups=True)
        self._connection.execute("DELETE FROM entity WHERE kind = ? AND name = ?", (kind, name))
        self._connection.execute("DELETE FROM entity_index WHERE kind = ? AND name = ?", (kind, name))

    def _put(self, place: tuple[str, str], tree: Any) -> None:
        query = "SELECT revision, created FROM entity WHERE kind = ? AND name = ?"
        row = self._connection.execute(query, place).fetchone()
        self._write(*place, tree, row[0] + 1 if row else 1, row[1] if row else self._now)

    def _write(self, kind: str, name: str, tree: Any, revision: int, created: str) -> None:
        columns = (kind, name, json.dumps(tree, separators=(",", ":")), revision, created, self._now)
        self._connection.execute(
            "INSERT OR REPLACE INTO entity VALUES (?, ?, ?, ?, ?, ?, ?)", (*columns, checksum(*columns))
        )


def _is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {SEALED}


def _replaced(tree: Any, make: Callable[[], Any]) -> Any:
    if _is_sealed(tree):
        return make()
    if isinstance(tree, dict):
        return {key: _replaced(value, make) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_replaced(each, make) for each in tree]
    return tree
