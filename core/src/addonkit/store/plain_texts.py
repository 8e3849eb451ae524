"""JSON text of values that hold only trees, times and Secrets, such as executions.

An execution is written at each of its steps, and most of it is as it was. Its records of steps and its events are
values that cannot change: the text of each is made once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from addonkit.models.secret import Secret
from addonkit.store.keys import SEALED
from addonkit.store.sealing import Sealer
from addonkit.store.trees import fields_of, time_to_text, tree_of

_KEPT: Final = 1_000
"""Parts whose texts are kept."""


class _KeyToEscapeError(Exception):
    """A key could be taken for the mark of a sealed value."""


class PlainTexts:
    """Writes values whose class is `plain`, see Stored.

    Args:
        sealer: seals their Secrets.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._parts: dict[tuple[int, str], tuple[Any, str]] = {}

    def text_of(self, row: str, value: Any) -> str | None:
        """Return the text of a value; None when one of its keys has to be escaped.

        Raises:
            TypeError, ValueError: see Codec.dump.
        """
        try:
            return self._text_of(row, value)
        except _KeyToEscapeError:
            return None

    def _text_of(self, row: str, value: Any) -> str:
        """Return the text, with the series of parts at its end."""
        whole: dict[str, Any] = {}
        series: list[str] = []
        for name, each in _fields(value) or ():
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
                return dict(fields)
            return dict(found) if isinstance(found, Mapping) else tree_of(found, _same, _same)

        text = json.dumps(value, separators=(",", ":"), allow_nan=False, default=other)
        if text.count('sealed"') != seals:
            raise _KeyToEscapeError
        return text


def _fields(value: Any) -> Iterable[tuple[str, Any]] | None:
    """Return names and values of the fields of a value that has them."""
    kind: Any = type(value)
    fields = fields_of(kind)
    return None if fields is None else fields(value)


def _same(value: Any) -> Any:
    return value
