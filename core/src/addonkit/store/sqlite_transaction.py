"""Carries out decisions on the SQLite store, as SQL."""

from __future__ import annotations

import sqlite3
import sys
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from addonkit.errors import StoreCorrupted
from addonkit.store.interface import CHANGES_KEPT, Change, ChangeKind, Entity, Page, Stored, V
from addonkit.store.keys import (
    check_field,
    check_kind,
    check_name,
    checksum,
    conflict,
    exists_already,
    index_of,
    row_id,
    where_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from addonkit.store.codec import Codec
    from addonkit.util.clock import Clock

_FORGET_EVERY: Final = 64
"""Changes after which those that are too old are removed; who reads changes is not shown them before."""

_COLUMNS: Final = "e.name, e.data, e.revision, e.created, e.updated, e.checksum"


class TooMany(Exception):
    """A transaction reads more records than it may."""


class SqliteTransaction:
    """See Transaction. Used by one thread only, while it has the connection.

    Args:
        connection: to the state file.
        codec: holds the key of the secrets.
        clock: gives `created` and `updated`.
        most: how many records it may list, else it raises TooMany; 0 for any number.
    """

    def __init__(self, connection: sqlite3.Connection, codec: Codec, clock: Clock, most: int = 0) -> None:
        self._connection = connection
        self._codec = codec
        self._clock = clock
        self._left = most or sys.maxsize
        self._fault: sqlite3.Error | TooMany | None = None
        self._over = False
        self.first = 0
        """Number of the first change it made; 0 without one."""
        self.latest = 0
        """Number of the last change it made; 0 without one."""
        self.kinds: set[str] = set()
        """Kinds of the entities it changed."""

    def get(self, kind: type[V], name: str) -> Entity[V] | None:
        """See Transaction."""
        query = f"SELECT {_COLUMNS} FROM entity e WHERE e.kind = ? AND e.name = ?"  # noqa: S608 - our own columns
        row = self._execute(query, kind.kind, name).fetchone()
        return None if row is None else self._entity(kind, row)

    def list(
        self, kind: type[V], where: Mapping[str, Any] | None = None, *, after: str = "", limit: int = 0
    ) -> Page[V]:
        """See Transaction."""
        query, found = _list_query(kind, where_of(kind, where), after)
        rows = self._rows(self._execute(query, *found, limit + 1 if limit > 0 else -1))
        shown = rows[:limit] if limit > 0 else rows
        items = tuple(self._entity(kind, row) for row in shown)
        return Page(items, items[-1].name if len(shown) < len(rows) else None)

    def ordered(
        self, kind: type[V], field: str, *, after: tuple[str, str] = ("", ""), limit: int, reverse: bool = False
    ) -> tuple[Entity[V], ...]:
        """See Transaction."""
        order = "i.value DESC, i.name DESC" if reverse else "i.value, i.name"
        query = (
            f"SELECT {_COLUMNS} FROM entity_index i CROSS JOIN entity e"  # noqa: S608 - our own columns
            " WHERE i.kind = ? AND i.field = ? AND (i.value, i.name) > (?, ?) AND e.kind = i.kind AND e.name = i.name"
            f" ORDER BY {order} LIMIT ?"
        )
        after = ("", "") if reverse else after
        rows = self._rows(self._execute(query, kind.kind, check_field(kind, field), *after, limit))
        return tuple(self._entity(kind, row) for row in rows)

    def count(self, kind: type[Stored]) -> int:
        """See Transaction."""
        return int(self._execute("SELECT count(*) FROM entity WHERE kind = ?", kind.kind).fetchone()[0])

    def create(self, name: str, value: V) -> Entity[V]:
        """See Transaction."""
        kind, now = type(value), self._clock.now()
        row = row_id(kind, check_name(name))
        data = self._codec.dump(row, value)
        insert = "INSERT INTO entity VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        columns = (kind.kind, name, data, 1, now.isoformat(), now.isoformat())
        if not self._execute(insert, *columns, checksum(*columns)).rowcount:
            raise exists_already(row)
        entity = Entity(name, self._stored(row, data, value), 1, now, now)
        self._index(kind, name, index_of(entity.value))
        self._record(kind, name, ChangeKind.CREATED, 1)
        return entity

    def put(self, entity: Entity[V], value: V) -> Entity[V]:
        """See Transaction."""
        check_kind(entity.value, value)
        kind, now, revision = type(value), self._clock.now(), entity.revision + 1
        row = row_id(kind, entity.name)
        data = self._codec.dump(row, value)
        update = (
            "UPDATE entity SET data = ?, revision = ?, updated = ?, checksum = ?"
            " WHERE kind = ? AND name = ? AND revision = ? AND created = ?"
        )
        created, updated = entity.created.isoformat(), now.isoformat()
        check = checksum(kind.kind, entity.name, data, revision, created, updated)
        place = (kind.kind, entity.name, entity.revision, created)
        if not self._execute(update, data, revision, updated, check, *place).rowcount:
            raise conflict(row, entity.revision, self._revision(kind, entity.name))
        stored = self._stored(row, data, value)
        self._index(kind, entity.name, index_of(stored))
        self._record(kind, entity.name, ChangeKind.UPDATED, revision)
        return Entity(entity.name, stored, revision, entity.created, now)

    def delete(self, kind: type[V], name: str) -> bool:
        """See Transaction."""
        revision = self._revision(kind, name)
        if revision is None:
            return False
        self._execute("DELETE FROM entity WHERE kind = ? AND name = ?", kind.kind, name)
        self._execute("DELETE FROM entity_index WHERE kind = ? AND name = ?", kind.kind, name)
        self._record(kind, name, ChangeKind.DELETED, revision)
        return True

    def finish(self) -> None:
        """Forget the oldest changes; the transaction is over.

        Raises:
            sqlite3.Error, TooMany: when a statement failed and the decision went on in spite of it.
        """
        if self._fault is not None:
            raise self._fault
        if self.latest // _FORGET_EVERY != (self.first - 1) // _FORGET_EVERY and self.latest:
            self._execute("DELETE FROM change WHERE number <= ?", self.latest - CHANGES_KEPT)
        self.end()

    def end(self) -> None:
        """Refuse any further use of the transaction."""
        self._over = True

    def _execute(self, statement: str, *values: str | int) -> sqlite3.Cursor:
        if self._over:
            raise RuntimeError("this transaction is over: use what the decision returned")
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            self._fault = error
            raise

    def _rows(self, cursor: sqlite3.Cursor) -> Sequence[Sequence[Any]]:
        if self._left == sys.maxsize:
            return cursor.fetchall()
        rows = cursor.fetchmany(self._left + 1)
        self._left -= len(rows)
        if self._left < 0:
            self._fault = TooMany()
            raise self._fault
        return rows

    def _revision(self, kind: type[Stored], name: str) -> int | None:
        row = self._execute("SELECT revision FROM entity WHERE kind = ? AND name = ?", kind.kind, name).fetchone()
        return None if row is None else int(row[0])

    def _stored(self, row: str, data: str, value: V) -> V:
        """Return the value as it will be read."""
        return value if getattr(value, "plain", False) else self._codec.load(row, data, type(value))

    def _index(self, kind: type[Stored], name: str, fields: Mapping[str, str]) -> None:
        """Write the indexed fields in one statement; those that are there already cost no write.

        What was there is not taken from the entity that the caller gives: it may be another one's of that revision.
        """
        if not fields:
            return
        rows = ", ".join(["(?, ?, ?, ?)"] * len(fields))
        upsert = (
            f"INSERT INTO entity_index VALUES {rows} ON CONFLICT (kind, name, field)"  # noqa: S608 - only our own words
            " DO UPDATE SET value = excluded.value WHERE value <> excluded.value"
        )
        self._execute(upsert, *(text for pair in fields.items() for text in (kind.kind, name, *pair)))

    def _record(self, kind: type[Stored], name: str, what: ChangeKind, revision: int) -> None:
        insert = "INSERT INTO change (kind, name, what, revision) VALUES (?, ?, ?, ?)"
        self.latest = self._execute(insert, kind.kind, name, what.value, revision).lastrowid or 0
        self.first = self.first or self.latest
        self.kinds.add(kind.kind)

    def _entity(self, kind: type[V], row: Sequence[Any]) -> Entity[V]:
        name, data, revision, created, updated, check = row
        if check != checksum(kind.kind, name, data, revision, created, updated):
            raise damaged(row_id(kind, name))
        value = self._codec.load(row_id(kind, name), data, kind)
        return Entity(name, value, revision, datetime.fromisoformat(created), datetime.fromisoformat(updated))


def damaged(row: str) -> StoreCorrupted:
    """Return the error of a row that is not as it was written."""
    return StoreCorrupted("cannot read the state", f"it is damaged: the record {row!r} is not as it was written")


def _list_query(kind: type[Stored], conditions: Mapping[str, str], after: str) -> tuple[str, Sequence[str]]:
    """Return the query for the entities that meet all conditions, but for its limit, and its values.

    The order of CROSS JOIN is kept by SQLite: the first condition's index is walked in the order of names.
    """
    tables, terms, values = [], [], []
    for number, (field, value) in enumerate(conditions.items()):
        tables.append(f"entity_index i{number}")
        terms.append(f"i{number}.kind = ? AND i{number}.field = ? AND i{number}.value = ?")
        values += [kind.kind, field, value]
    names = [f"{table.rpartition(' ')[2]}.name" for table in (*tables, "entity e")]
    terms += [f"{former} = {latter}" for former, latter in pairwise(names)]
    query = (
        f"SELECT {_COLUMNS} FROM {' CROSS JOIN '.join((*tables, 'entity e'))}"  # noqa: S608 - only our own words
        f" WHERE {' AND '.join((*terms, 'e.kind = ?', f'{names[0]} > ?'))} ORDER BY {names[0]} LIMIT ?"
    )
    return query, (*values, kind.kind, after)


def read_changes(connection: sqlite3.Connection, position: int, limit: int) -> Sequence[Change]:
    """Return the changes after a number, oldest first, at most `limit`; of those that are not kept none."""
    position = max(position, latest_change(connection) - CHANGES_KEPT)
    query = "SELECT number, kind, name, what, revision FROM change WHERE number > ? ORDER BY number LIMIT ?"
    rows = connection.execute(query, (position, limit))
    return [Change(number, kind, name, ChangeKind(what), revision) for number, kind, name, what, revision in rows]


def latest_change(connection: sqlite3.Connection) -> int:
    """Return the number of the newest change; 0 when there was none."""
    return int(connection.execute("SELECT coalesce(max(number), 0) FROM change").fetchone()[0])
