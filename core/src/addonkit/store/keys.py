"""Rules that every store shares: ids, names and the text by which entities are listed. Pure functions."""

from __future__ import annotations

import json
import zlib
from enum import Enum
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final

from addonkit.errors import AlreadyExists, RevisionConflict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from addonkit.store.interface import Stored

SEALED: Final = "$sealed"
"""Key by which the JSON text of an entity marks a sealed value."""

NAME_MAX: Final = 1_000
"""Longest name of an entity, in characters."""


def row_id(kind: type[Stored], name: str) -> str:
    """Return the id of an entity, `kind/name`. A kind has no slash, so no two entities share one."""
    return f"{kind.kind}/{name}"


def checksum(kind: object, name: object, data: object, revision: object, created: object, updated: object) -> int:
    """Return CRC-32 of a row, which a changed byte in any column changes."""
    return zlib.crc32(f"{kind}\0{name}\0{data}\0{revision}\0{created}\0{updated}".encode())


def check_name(name: str) -> str:
    """Return the name itself when every store can keep it.

    Raises:
        ValueError: when it is empty, too long, or has NUL or lone surrogates.
    """
    if not 1 <= len(name) <= NAME_MAX:
        raise ValueError(f"the name of an entity has 1 to {NAME_MAX} characters, not {len(name)}")
    return _check_text(name)


def check_kind(read: object, written: object) -> None:
    """Refuse to replace a value by one of another kind.

    Raises:
        TypeError: naming both.
    """
    if getattr(read, "kind", None) != getattr(written, "kind", ""):
        raise TypeError(f"cannot put a {type(written).__name__} in the place of a {type(read).__name__}")


def index_of(value: Stored) -> dict[str, str]:
    """Return the indexed fields of a value, as text.

    Raises:
        TypeError: when one of them is not text, a number, a truth value, an enum member or None.
    """
    return {field: _index_text(field, getattr(value, field)) for field in type(value).indexed}


def where_of(kind: type[Stored], where: Mapping[str, Any] | None) -> dict[str, str]:
    """Return a condition on indexed fields, as text.

    Raises:
        ValueError: when a field is not indexed.
    """
    return {check_field(kind, field): _index_text(field, value) for field, value in sorted((where or {}).items())}


def check_field(kind: type[Stored], field: str) -> str:
    """Return the field itself when entities are listed by it.

    Raises:
        ValueError: when it is not indexed.
    """
    if field in kind.indexed:
        return field
    known = ", ".join(kind.indexed) or "none"
    raise ValueError(f"{kind.kind} is not listed by {field}; its indexed fields: {known}")


def exists_already(row: str) -> AlreadyExists:
    """Return the error of creating what is there."""
    return AlreadyExists(f"cannot create {row}", "there is one already")


def conflict(row: str, read: int, found: int | None) -> RevisionConflict:
    """Return the error of writing at a revision that is not the newest; `found` is None when it is gone."""
    now = "it is gone" if found is None else f"it was written since: revision {found}, read at {read}"
    return RevisionConflict(f"cannot write {row}", now, "read it again and decide anew")


def refuse_awaitable(result: object) -> None:
    """Refuse the result of an async decision: it would run after its transaction.

    Raises:
        TypeError: with what to write instead.
    """
    if not hasattr(type(result), "__await__"):
        return
    if isinstance(result, CoroutineType):
        result.close()
    raise TypeError("a decision is a plain function: write def, not async def")


def _index_text(field: str, value: object) -> str:
    plain = value.value if isinstance(value, Enum) else value
    if isinstance(plain, str):
        return _check_text(plain)
    if plain is None or isinstance(plain, int | float):
        return json.dumps(plain)
    raise TypeError(f"the field {field} cannot be indexed by a value of type {type(plain).__name__}")


def _check_text(text: str) -> str:
    if "\0" in text or (not text.isprintable() and _has_surrogate(text)):
        raise ValueError("the text by which an entity is found has NUL or lone surrogates")
    return text


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
