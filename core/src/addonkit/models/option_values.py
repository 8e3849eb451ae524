"""Values of options as text: sizes, times, lists and the like. Pure.

Units as in PostgreSQL's and Valkey's own settings: `kB`, `MB`, `GB` and `TB` are powers of 1024.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final


class OptionType(StrEnum):
    """The way in which the value of an option is written.

    `size` is a number of bytes such as `64MB` (kB, MB, GB, TB: powers of 1024), `storage` one such as `5Gi`, `duration`
    a time such as `30s` (ms, s, min, h, d; 0 is none), `boolean` is on or off, `list` has commas between its words.
    """

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    SIZE = "size"
    STORAGE = "storage"
    DURATION = "duration"
    LIST = "list"


_SIZE: Final = re.compile(r"(\d{1,15})\s*([kmgt])i?b?", re.IGNORECASE | re.ASCII)
_STORAGE: Final = re.compile(r"0*([1-9]\d{0,8})\s*gi?b?", re.IGNORECASE | re.ASCII)
_DURATION: Final = re.compile(r"(\d{1,12})\s*(ms|s|min|m|h|d)?", re.IGNORECASE | re.ASCII)
_UNITS: Final = {"k": 1, "m": 2, "g": 3, "t": 4}
_SIZES: Final = (("TB", 4), ("GB", 3), ("MB", 2), ("kB", 1))
_MILLISECONDS: Final = {"ms": 1, "s": 1_000, "min": 60_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATIONS: Final = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1))
_TRUTH: Final = {
    **dict.fromkeys(("on", "true", "yes", "1"), "on"),
    **dict.fromkeys(("off", "false", "no", "0"), "off"),
}
EXAMPLES: Final = {
    OptionType.INTEGER: "a whole number",
    OptionType.BOOLEAN: "on or off",
    OptionType.SIZE: "a size such as 64MB",
    OptionType.STORAGE: "a size such as 5Gi",
    OptionType.DURATION: "a time such as 30s",
    OptionType.TEXT: "text of one line",
    OptionType.LIST: "words with commas between",
}
SCHEMAS: Final[Mapping[OptionType, Mapping[str, Any]]] = {
    OptionType.TEXT: {"type": "string"},
    OptionType.LIST: {"type": "string"},
    OptionType.INTEGER: {"type": ["integer", "string"], "pattern": r"^-?\d+$"},
    OptionType.BOOLEAN: {"enum": [True, False, "on", "off"]},
    OptionType.SIZE: {"type": "string", "pattern": r"^\d+\s*[kKmMgGtT]i?[bB]?$"},
    OptionType.STORAGE: {"type": "string", "pattern": r"^\d+\s*[gG]i?[bB]?$"},
    OptionType.DURATION: {"type": ["string", "integer"], "pattern": r"^\d+\s*(ms|s|min|m|h|d)?$"},
}


def write_value(kind: OptionType, text: str) -> str | None:
    """Return a value as it is stored, one way to write each; None for a text that is no such value."""
    return _WRITERS[kind](text.strip())


def words_of(value: str) -> tuple[str, ...]:
    """Return the words of a list."""
    return tuple(value.split(",")) if value else ()


def amount_of(kind: OptionType, value: str) -> int | None:
    """Return the number that a value stands for: bytes, milliseconds; None for what is no number."""
    if kind is OptionType.INTEGER and re.fullmatch(r"[+-]?[0-9]{1,18}", value):
        return int(value)
    if kind is OptionType.SIZE and (size := _SIZE.fullmatch(value)):
        return int(size[1]) << 10 * _UNITS[size[2].lower()]
    if kind is OptionType.STORAGE and (storage := _STORAGE.fullmatch(value)):
        return int(storage[1]) << 30
    if kind is OptionType.DURATION and (duration := _DURATION.fullmatch(value)):
        return int(duration[1]) * _MILLISECONDS[(duration[2] or "ms").lower()]
    return None


def _text(text: str) -> str | None:
    return text if text and text.isprintable() else None


def _integer(text: str) -> str | None:
    number = amount_of(OptionType.INTEGER, text)
    return None if number is None else str(number)


def _size(text: str) -> str | None:
    amount = amount_of(OptionType.SIZE, text)
    if amount is None:
        return None
    unit, power = next((each for each in _SIZES if amount and amount % (1 << 10 * each[1]) == 0), _SIZES[-1])
    return f"{amount >> 10 * power}{unit}"


def _storage(text: str) -> str | None:
    amount = amount_of(OptionType.STORAGE, text)
    return None if amount is None else f"{amount >> 30}Gi"


def _duration(text: str) -> str | None:
    amount = amount_of(OptionType.DURATION, text)
    if not amount:
        return None if amount is None else "0"
    unit, length = next(each for each in _DURATIONS if amount % each[1] == 0)
    return f"{amount // length}{unit}"


def _list(text: str) -> str | None:
    words = [word.strip() for word in text.split(",")]
    return None if not all(map(str.isprintable, words)) else ",".join(dict.fromkeys(filter(None, words)))


_WRITERS: Final[Mapping[OptionType, Callable[[str], str | None]]] = {
    OptionType.TEXT: _text,
    OptionType.INTEGER: _integer,
    OptionType.BOOLEAN: lambda text: _TRUTH.get(text.lower()),
    OptionType.SIZE: _size,
    OptionType.STORAGE: _storage,
    OptionType.DURATION: _duration,
    OptionType.LIST: _list,
}
