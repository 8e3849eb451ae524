"""Values of options as text: sizes, times, lists and the like. Pure.

Units as in PostgreSQL's and Valkey's own settings: `kB`, `MB`, `GB` and `TB` are powers of 1024.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
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


_MILLISECONDS: Final = {"d": 86_400_000, "h": 3_600_000, "min": 60_000, "s": 1_000, "ms": 1}
_BYTES: Final = {"TB": 1 << 40, "GB": 1 << 30, "MB": 1 << 20, "kB": 1 << 10}
_READ: Final[Mapping[OptionType, tuple[re.Pattern[str], Mapping[str, int]]]] = {
    OptionType.INTEGER: (re.compile(r"([+-]?\d{1,18})()", re.ASCII), {"": 1}),
    OptionType.SIZE: (
        re.compile(r"(\d{1,15})\s*([kmgt])i?b?", re.IGNORECASE | re.ASCII),
        {unit[0].lower(): size for unit, size in _BYTES.items()},
    ),
    OptionType.STORAGE: (re.compile(r"0*([1-9]\d{0,8})\s*(g)i?b?", re.IGNORECASE | re.ASCII), {"g": 1 << 30}),
    OptionType.DURATION: (
        re.compile(r"(\d{1,12})\s*(ms|s|min|m|h|d|)", re.IGNORECASE | re.ASCII),
        {**_MILLISECONDS, "m": 60_000, "": 1},
    ),
}
"""How the values that stand for a number are read: their form, and what its unit is worth."""
_WRITTEN: Final[Mapping[OptionType, Mapping[str, int]]] = {
    OptionType.INTEGER: {"": 1},
    OptionType.SIZE: _BYTES,
    OptionType.STORAGE: {"Gi": 1 << 30},
    OptionType.DURATION: _MILLISECONDS,
}
"""The units in which they are stored, the largest first: one of which there is a whole number."""
_NOTHING: Final = {OptionType.INTEGER: "0", OptionType.SIZE: "0kB", OptionType.DURATION: "0"}
"""The way in which zero is stored."""
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
    if kind not in _READ:
        return None
    form, units = _READ[kind]
    found = form.fullmatch(value)
    return int(found[1]) * units[found[2].lower()] if found else None


def _amount(kind: OptionType, text: str) -> str | None:
    amount = amount_of(kind, text)
    if not amount:
        return None if amount is None else _NOTHING[kind]
    unit, size = next(each for each in _WRITTEN[kind].items() if amount % each[1] == 0)
    return f"{amount // size}{unit}"


def _text(text: str) -> str | None:
    return text if text and text.isprintable() else None


def _list(text: str) -> str | None:
    words = [word.strip() for word in text.split(",")]
    return None if not all(map(str.isprintable, words)) else ",".join(dict.fromkeys(filter(None, words)))


_WRITERS: Final[Mapping[OptionType, Callable[[str], str | None]]] = {
    OptionType.TEXT: _text,
    OptionType.BOOLEAN: lambda text: _TRUTH.get(text.lower()),
    OptionType.LIST: _list,
    **{kind: partial(_amount, kind) for kind in _READ},
}
