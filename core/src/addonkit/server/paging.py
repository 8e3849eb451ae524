"""Lists in parts: a cursor stands for the last item that was seen, so that what comes and goes disturbs nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Final, TypeVar

import attrs

from addonkit.server.endpoints import Page
from addonkit.server.schema import Number, Text

T = TypeVar("T")

MOST: Final = 500
"""Items that one answer has at most."""

Limit = Annotated[int, Number(1, MOST)]
Cursor = Annotated[str, Text(longest=500)]


@attrs.frozen
class ListQuery:
    """A part of a list.

    Attributes:
        limit: items at most.
        cursor: `next` of the part before.
    """

    limit: Limit = 100
    cursor: Cursor = ""


def page(items: Iterable[T], key: Callable[[T], str], query: ListQuery) -> Page[T]:
    """Return the part of a list that was asked for, by key; keys are not empty."""
    kept = sorted((each for each in items if key(each) > query.cursor), key=key)
    part = tuple(kept[: query.limit])
    return Page(part, key(part[-1]) if len(kept) > query.limit else None)


async def page_through(
    read: Callable[[str, int], Awaitable[Sequence[T]]], key: Callable[[T], str], query: ListQuery
) -> Page[T]:
    """Return the part that was asked for, of a list that is read in parts by the same key."""
    found = await read(query.cursor, query.limit + 1)
    part = tuple(found[: query.limit])
    return Page(part, key(part[-1]) if len(found) > query.limit else None)
