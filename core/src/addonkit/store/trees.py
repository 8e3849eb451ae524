"""Values to trees of dicts, lists, text and numbers. A walk over the value, which needs no code made for its class.

Values that hold only trees, times and Secrets, such as executions, become JSON text at once. An execution is written at
each of its steps, and most of it is as it was: the text of each record of a step, and of each event, is made once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from addonkit.models.secret import Secret
from addonkit.store.converter import converter
from addonkit.store.keys import SEALED

if TYPE_CHECKING:
    from addonkit.store.sealing import Sealer

_LEAVES: Final = frozenset({str, bool, int, type(None)})

_KEPT: Final = 1_000
"""Parts whose texts are kept."""


def _same(value: Any) -> Any:
    return value


def tree_of(value: Any, secret: Callable[[Secret], Any] = _same, key: Callable[[str], str] = _same) -> Any:
    """Return the tree of a value.

    Args:
        value: an attrs value, what JSON knows, a Secret, a time, a set, or what the converter knows beside that.
        secret: gives what stands in the place of a Secret; default is the Secret.
        key: gives what stands in the place of a key that could be taken for the mark of a sealed value.

    Raises:
        TypeError: when it holds something else.
        ValueError: when it holds a time without a zone, or a number that JSON does not have.
    """
    kind: Any = type(value)
    if kind in _LEAVES:
        return value
    if kind is dict or isinstance(value, Mapping):
        return {
            name if type(name) is str and SEALED not in name else key(_text_key(name)): (
                each if type(each) in _LEAVES else tree_of(each, secret, key)
            )
            for name, each in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [each if type(each) in _LEAVES else tree_of(each, secret, key) for each in value]
    fields = fields_of(kind)
    if fields is not None:
        return {name: tree_of(getattr(value, name), secret, key) for name in fields}
    return secret(value) if kind is Secret else _atom(value, secret, key)


def _atom(value: Any, secret: Callable[[Secret], Any], key: Callable[[str], str]) -> Any:
    """Return the tree of a value that has no parts, or is of a rare type."""
    if isinstance(value, Enum):
        return tree_of(value.value, secret, key)
    if isinstance(value, datetime):
        return time_to_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it holds a number that JSON does not have")
    if isinstance(value, str | int | float):
        return value
    converted = converter().unstructure(value)  # bytes, a path
    if converted is value:
        raise TypeError(f"it holds a value of type {type(value).__name__}; only JSON values and Secrets are kept")
    return tree_of(converted, secret, key)


@cache
def fields_of(kind: Any) -> tuple[str, ...] | None:
    """Return the names of the fields that make a value of an attrs class or a dataclass; None for another class."""
    fields = getattr(kind, "__attrs_attrs__", None)
    if fields is None and hasattr(kind, "__dataclass_fields__"):
        from dataclasses import fields as fields_of_dataclass  # few addons have any

        fields = fields_of_dataclass(kind)
    return None if fields is None else tuple([field.name for field in fields if field.init])


def _fields(value: Any) -> tuple[str, ...] | None:
    kind: Any = type(value)
    return fields_of(kind)


def time_to_text(time: datetime) -> str:
    """Return ISO text in UTC.

    Raises:
        ValueError: when it has no zone.
    """
    if time.tzinfo is None:
        raise ValueError("a time without a time zone cannot be stored")
    return (time if time.tzinfo is UTC else time.astimezone(UTC)).isoformat()


def _text_key(name: Any) -> str:
    plain = name.value if isinstance(name, Enum) else name
    if not isinstance(plain, str):
        raise TypeError(f"it holds a dict with a key of type {type(plain).__name__}; keys are text")
    return plain


class KeyToEscapeError(Exception):
    """A key could be taken for the mark of a sealed value."""


class PlainTexts:
    """Writes values whose class is `plain`, see Stored.

    Args:
        sealer: seals their Secrets.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._parts: dict[tuple[int, str], tuple[Any, str]] = {}

    def text_of(self, row: str, value: Any) -> str:
        """Return the text of a value, with the series of parts at its end.

        Raises:
            KeyToEscapeError: `tree_of` has to make it a tree first.
            TypeError, ValueError: see Codec.dump.
        """
        whole: dict[str, Any] = {}
        series: list[str] = []
        for name in _fields(value) or ():
            each = getattr(value, name)
            if type(each) is tuple and each and _fields(each[0]):
                series.append(f'"{name}":[{",".join([self._part(row, part) for part in each])}]')
            else:
                whole[name] = each
        text = self._written(row, whole)
        return f"{text[:-1]}{',' if whole else ''}{','.join(series)}}}" if series else text

    def _part(self, row: str, part: Any) -> str:
        place = (id(part), row)
        known = self._parts.get(place)
        if known is not None:  # the part is kept with its text, so no other one has its id
            return known[1]
        text = self._written(row, part)
        if len(self._parts) >= _KEPT:
            self._parts.clear()
        self._parts[place] = (part, text)
        return text

    def _written(self, row: str, value: Any) -> str:
        seals = 0

        def other(found: Any) -> Any:
            nonlocal seals
            if isinstance(found, Secret):
                seals += 1
                return {SEALED: self._sealer.seal(found.reveal(), row)}
            if type(found) is datetime:
                return time_to_text(found)
            fields = _fields(found)
            if fields is not None:
                return {name: getattr(found, name) for name in fields}
            return dict(found) if isinstance(found, Mapping) else tree_of(found)

        text = json.dumps(value, separators=(",", ":"), allow_nan=False, default=other)
        if text.count('sealed"') != seals:
            raise KeyToEscapeError
        return text
