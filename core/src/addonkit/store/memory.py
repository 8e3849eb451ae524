"""The store of the tests, and the reference model that the other stores are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from addonkit.errors import StoreUnavailable
from addonkit.store.change_notifier import ChangeNotifier, follow, with_missed
from addonkit.store.interface import CHANGES_KEPT, Change, ChangeKind, Entity, Page, R, Reader, Stored, Transaction, V
from addonkit.store.keys import (
    check_field,
    check_kind,
    check_name,
    conflict,
    exists_already,
    index_of,
    refuse_awaitable,
    row_id,
    where_of,
)
from addonkit.util.values import frozen

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Callable, Sequence

    from addonkit.store.codec import Codec
    from addonkit.util.clock import Clock


@frozen
class _Row:
    data: str
    index: Mapping[str, str]
    revision: int
    created: datetime
    updated: datetime


Rows = dict[tuple[str, str], _Row]


class MemoryTransaction:
    """See Transaction. Works on a copy of the rows, which the store takes over at the end."""

    def __init__(self, rows: Rows, codec: Codec, clock: Clock) -> None:
        self.rows = rows
        self.changes: list[tuple[str, str, ChangeKind, int]] = []
        self.over = False
        self._codec = codec
        self._clock = clock

    def get(self, kind: type[V], name: str) -> Entity[V] | None:
        """See Transaction."""
        row = self._row(kind, name)
        return None if row is None else self._entity(kind, name, row)

    def list(
        self, kind: type[V], where: Mapping[str, Any] | None = None, *, after: str = "", limit: int = 0
    ) -> Page[V]:
        """See Transaction."""
        self._check_open()
        conditions = where_of(kind, where).items()
        names = sorted(
            name
            for (of, name), row in self.rows.items()
            if of == kind.kind and name > after and conditions <= row.index.items()
        )
        shown = names[:limit] if limit > 0 else names
        items = tuple(self._entity(kind, name, self.rows[kind.kind, name]) for name in shown)
        return Page(items, shown[-1] if len(shown) < len(names) else None)

    def ordered(
        self, kind: type[V], field: str, *, after: tuple[str, str] = ("", ""), limit: int, reverse: bool = False
    ) -> tuple[Entity[V], ...]:
        """See Transaction."""
        self._check_open()
        check_field(kind, field)
        found = sorted((row.index[field], name) for (of, name), row in self.rows.items() if of == kind.kind)
        chosen = found[::-1] if reverse else [each for each in found if each > after]
        shown = [name for _value, name in chosen[:limit]]
        return tuple(self._entity(kind, name, self.rows[kind.kind, name]) for name in shown)

    def count(self, kind: type[Stored]) -> int:
        """See Transaction."""
        self._check_open()
        return sum(of == kind.kind for of, _ in self.rows)

    def create(self, name: str, value: V) -> Entity[V]:
        """See Transaction."""
        kind = type(value)
        if self._row(kind, check_name(name)) is not None:
            raise exists_already(row_id(kind, name))
        return self._write(name, value, 1, self._clock.now(), ChangeKind.CREATED)

    def put(self, entity: Entity[V], value: V) -> Entity[V]:
        """See Transaction."""
        check_kind(entity.value, value)
        kind, name = type(value), entity.name
        row = self._row(kind, name)
        if row is None or (row.revision, row.created) != (entity.revision, entity.created):
            raise conflict(row_id(kind, name), entity.revision, None if row is None else row.revision)
        return self._write(name, value, row.revision + 1, row.created, ChangeKind.UPDATED)

    def delete(self, kind: type[V], name: str) -> bool:
        """See Transaction."""
        row = self._row(kind, name)
        if row is None:
            return False
        del self.rows[kind.kind, name]
        self.changes.append((kind.kind, name, ChangeKind.DELETED, row.revision))
        return True

    def _row(self, kind: type[Stored], name: str) -> _Row | None:
        self._check_open()
        return self.rows.get((kind.kind, name))

    def _write(self, name: str, value: V, revision: int, created: datetime, what: ChangeKind) -> Entity[V]:
        kind = type(value)
        data = self._codec.dump(row_id(kind, name), value)
        row = _Row(data, index_of(value), revision, created, self._clock.now())
        self.rows[kind.kind, name] = row
        self.changes.append((kind.kind, name, what, revision))
        return self._entity(kind, name, row)

    def _entity(self, kind: type[V], name: str, row: _Row) -> Entity[V]:
        value = self._codec.load(row_id(kind, name), row.data, kind)
        return Entity(name, value, row.revision, row.created, row.updated)

    def _check_open(self) -> None:
        if self.over:
            raise RuntimeError("this transaction is over: use what the decision returned")


class MemoryStore:
    """See Store. Lives and ends with the process; values still pass the codec, as in every store."""

    def __init__(self, codec: Codec, clock: Clock) -> None:
        self._codec = codec
        self._clock = clock
        self._rows: Rows = {}
        self._changes: list[Change] = []
        self._notifier = ChangeNotifier()
        self._closed = False

    async def transact(self, decide: Callable[[Transaction], R]) -> R:
        """See Store. Runs on the event loop's thread without giving way, which makes it serializable."""
        self._check_open()
        transaction = MemoryTransaction(dict(self._rows), self._codec, self._clock)
        try:
            result = decide(transaction)
            refuse_awaitable(result)
        finally:
            transaction.over = True
        self._rows = transaction.rows
        self._record(transaction.changes)
        return result

    async def read(self, look: Callable[[Reader], R]) -> R:
        """See Store."""
        self._check_open()
        transaction = MemoryTransaction(dict(self._rows), self._codec, self._clock)
        try:
            found = look(transaction)
            refuse_awaitable(found)
            return found
        finally:
            transaction.over = True

    async def get(self, kind: type[V], name: str) -> Entity[V] | None:
        """See Store."""
        return await self.read(lambda reader: reader.get(kind, name))

    async def list(self, kind: type[V], where: Mapping[str, Any] | None = None) -> tuple[Entity[V], ...]:
        """See Store."""
        return await self.read(lambda reader: reader.list(kind, where).items)

    def watch(self, *kinds: type[Stored], since: int | None = None) -> AsyncGenerator[Change, None]:
        """See Store."""
        position = self._latest if since is None else since
        return follow(self._notifier, self._read_changes, self._pause, {kind.kind for kind in kinds}, position)

    async def verify(self) -> None:
        """See Store. What is in memory is as it was written."""

    async def close(self) -> None:
        """See Store."""
        self._closed = True
        self._notifier.notify()

    @property
    def changes(self) -> Sequence[Change]:
        """Return what happened so far, oldest first, as far as it is remembered."""
        return tuple(self._changes)

    @property
    def _latest(self) -> int:
        return self._changes[-1].number if self._changes else 0

    def _record(self, changes: Sequence[tuple[str, str, ChangeKind, int]]) -> None:
        first = self._latest + 1
        self._changes += [Change(number, *change) for number, change in enumerate(changes, first)]
        del self._changes[:-CHANGES_KEPT]
        if changes:
            self._notifier.notify({kind for kind, *_ in changes})

    async def _read_changes(self, position: int) -> Sequence[Change]:
        self._check_open()
        return with_missed(position, [change for change in self._changes if change.number > position])

    async def _pause(self, changed: asyncio.Event) -> None:
        await changed.wait()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("cannot use the store", "it is closed")
