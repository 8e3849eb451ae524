"""The protocol of stores. The memory store is the reference model the others are compared with."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from addonkit.util.values import frozen

CHANGES_KEPT: Final = 10_000
"""How many of the newest changes a store remembers for those who watch."""


class Stored(Protocol):
    """An attrs class whose values can be stored.

    Attributes:
        kind: first half of an entity's id, as `instance`.
        indexed: fields by which entities are listed; their values are compared as text.

    A class may say `plain: ClassVar[bool] = True` if its fields hold only what reading gives back: trees, times in UTC,
    attrs values, tuples. A write then answers the value it was given, instead of reading it again.
    """

    kind: ClassVar[str]
    indexed: ClassVar[tuple[str, ...]]


V = TypeVar("V", bound=Stored)
R = TypeVar("R")


@frozen
class Entity(Generic[V]):
    """A stored value.

    Attributes:
        name: second half of the id `kind/name`.
        value: an attrs value.
        revision: 1 when created, one more with each write.
        created: when; `updated` when last written. Aware, in UTC.
    """

    name: str
    value: V
    revision: int
    created: datetime
    updated: datetime


@frozen
class Page(Generic[V]):
    """A part of a listing, sorted by name.

    Attributes:
        items: at most as many as asked for.
        next: give it as `after` for the following part; None at the end.
    """

    items: tuple[Entity[V], ...]
    next: str | None


class ChangeKind(StrEnum):
    """The kinds of changes of an entity.

    `missed` means that older changes were forgotten before this watcher read them: `kind` and `name` are
    empty, and everything that matters to the watcher is to be read again. It comes whatever kinds are watched.
    """

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    MISSED = "missed"


@frozen
class Change:
    """One entry of the change feed. `number` grows strictly; `revision` is the entity's after the change.

    Of a deleted entity it is the last one it had.
    """

    number: int
    kind: str
    name: str
    what: ChangeKind
    revision: int


class Reader(Protocol):
    """One consistent state of the store."""

    def get(self, kind: type[V], name: str) -> Entity[V] | None:
        """Return the entity, or None."""
        ...

    def list(
        self, kind: type[V], where: Mapping[str, Any] | None = None, *, after: str = "", limit: int = 0
    ) -> Page[V]:
        """Return entities whose indexed fields equal `where`, by name, after that name, at most `limit` (0: all).

        Raises:
            ValueError: when a field of `where` is not indexed.
        """
        ...

    def ordered(
        self, kind: type[V], field: str, *, after: tuple[str, str] = ("", ""), limit: int, reverse: bool = False
    ) -> tuple[Entity[V], ...]:
        """Return at most `limit` entities by the text of an indexed field, then by name, after that text and name.

        With `reverse` the last ones come first; then `after` is not used. Reads no others: the cost does not grow with
        how many there are.

        Raises:
            ValueError: when the field is not indexed.
        """
        ...

    def count(self, kind: type[Stored]) -> int:
        """Return how many entities of a kind there are; reads none of them."""
        ...


class Transaction(Reader, Protocol):
    """The writes of a decision; all of them or none."""

    def create(self, name: str, value: V) -> Entity[V]:
        """Store a new entity at revision 1. A name is one to 1,000 characters, without NUL.

        Raises:
            AlreadyExists: when there is one of that id.
            ValueError: when the name cannot be stored.
            TypeError: when the value holds something that is neither a JSON value nor a Secret.
        """
        ...

    def put(self, entity: Entity[V], value: V) -> Entity[V]:
        """Replace the value of an entity at the revision that was read.

        Raises:
            RevisionConflict: when it has another revision now, is gone, or was made anew since.
            TypeError: when the value is of another kind, or cannot be stored.
        """
        ...

    def delete(self, kind: type[V], name: str) -> bool:
        """Remove the entity; False when there is none."""
        ...


class Store(Protocol):
    """Entities that outlive the process."""

    async def transact(self, decide: Callable[[Transaction], R]) -> R:
        """Run a decision in one serializable transaction and return what it returns.

        `decide` is a plain function: it may run on another thread, and must not block on anything else. What it wrote
        is committed durably when it returns, and rolled back when it raises. The transaction cannot be used afterwards.
        When the waiting task is cancelled the decision is not torn: it is still committed whole, or not at all.

        Raises:
            StoreError: when the store itself fails.
            Busy: when another process kept the store locked for too long.
            TypeError: when `decide` returns an awaitable, that is, was an async function.
        """
        ...

    async def read(self, look: Callable[[Reader], R]) -> R:
        """Return what a plain function reads from one consistent state; it may run on another thread.

        Raises:
            StoreError: when the store itself fails.
            TypeError: when `look` returns an awaitable, that is, was an async function.
        """
        ...

    async def get(self, kind: type[V], name: str) -> Entity[V] | None:
        """Return one entity, or None."""
        ...

    async def list(self, kind: type[V], where: Mapping[str, Any] | None = None) -> tuple[Entity[V], ...]:
        """Return all entities of a kind whose indexed fields equal `where`, by name."""
        ...

    def watch(self, *kinds: type[Stored], since: int | None = None) -> AsyncGenerator[Change, None]:
        """Yield changes of these kinds (none named: all) as they happen, also in other processes; never ends.

        `since` is the number of the last change seen; None begins with what comes after this call. Changes may
        be merged: what counts is the state that is read afterwards. Close it (`contextlib.aclosing`) when done.

        Raises:
            StoreError: when the store fails, or is closed meanwhile.
        """
        ...

    async def verify(self) -> None:
        """Read everything that is stored; the time grows with its size.

        Raises:
            StoreCorrupted: when something is not as it was written.
            StoreError: when the store fails.
        """
        ...

    async def close(self) -> None:
        """Give everything back. The store cannot be used afterwards."""
        ...
