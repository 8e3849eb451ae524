"""Values to JSON text and back, with their secrets sealed on the way."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, TypeVar

from addonkit.errors import StoreError
from addonkit.models.secret import Secret
from addonkit.store.converter import converter
from addonkit.store.keys import SEALED
from addonkit.store.sealing import Sealer

T = TypeVar("T")

_KEPT: Final = 1_000
"""Values that are kept with the text that they were read from."""

_LEAVES: Final = frozenset({str, bool, int, type(None)})


def unstructure(value: Any) -> Any:
    """A tree of dicts with text keys, lists, text, numbers, truth values, None, and Secrets as they are.

    attrs values become dicts, enum members their values, tuples and sets lists, times ISO text in UTC.

    Raises:
        TypeError: when it holds something else.
        ValueError: when it holds a time without a zone, or a number that JSON does not have.
    """
    return _tree(converter().unstructure(value), _same, _same)


def structure(tree: Any, kind: Any) -> Any:
    """The value of a type (a class, or any annotation) that `unstructure` made this tree of.

    Raises:
        ValueError: naming each place that does not fit.
    """
    try:
        return converter().structure(tree, kind)
    except Exception as error:
        raise ValueError(_misfits(tree, kind) or str(error)) from error


def _misfits(tree: Any, kind: Any) -> str:
    """Name the places where a tree does not fit a type."""
    from cattrs import transform_error

    try:
        converter(detailed=True).structure(tree, kind)
    except Exception as error:  # noqa: BLE001 - told by the caller
        return "; ".join(transform_error(error))
    return ""


class Codec:
    """Turns attrs values into JSON text and back.

    A Secret becomes `{"$sealed": ...}`, sealed for its row. A dict that itself has a key `$sealed` keeps it:
    such keys are written with one `$` more.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._known: dict[str, tuple[str, Any]] = {}

    def dump(self, row: str, value: Any) -> str:
        """The value as JSON text of ASCII characters. `row` is the id `kind/name` it will be stored under.

        Raises:
            TypeError: when it holds something that is neither a JSON value nor a Secret.
            ValueError: when it holds a time without a zone, or a number that JSON does not have.
        """

        def seal(secret: Secret) -> dict[str, str]:
            return {SEALED: self._sealer.seal(secret.reveal(), row)}

        try:
            plain = self._dump_plain(row, value) if getattr(value, "plain", False) else None
            if plain is not None:
                return plain
            tree = _tree(converter().unstructure(value), seal, _escaped)
        except TypeError as error:
            raise TypeError(f"cannot store {row}: {error}") from error
        except ValueError as error:
            raise ValueError(f"cannot store {row}: {error}") from error
        return json.dumps(tree, separators=(",", ":"), allow_nan=False)

    def _dump_plain(self, row: str, value: Any) -> str | None:
        """The text of a value that holds trees, which have text keys; None when one of its keys has to be escaped."""
        seals = 0

        def other(found: Any) -> Any:
            nonlocal seals
            if isinstance(found, Secret):
                seals += 1
                return {SEALED: self._sealer.seal(found.reveal(), row)}
            if isinstance(found, Mapping):
                return dict(found)
            return _tree(found, _same, _same)

        text = json.dumps(converter().unstructure(value), separators=(",", ":"), allow_nan=False, default=other)
        return text if text.count('sealed"') == seals else None

    def load(self, row: str, text: str, kind: type[T]) -> T:
        """The value that was dumped for this row.

        Raises:
            SecretError: when a secret cannot be opened.
            StoreError: when the text does not fit the type.
        """
        known = self._known.get(row)
        if known is not None and known[0] == text and type(known[1]) is kind:
            return known[1]
        try:
            value: T = structure(self._parse(row, text), kind)
        except ValueError as error:
            raise StoreError(
                f"cannot read {row}", str(error), "it may have been written by another release of addonkit"
            ) from error
        self._keep(row, text, value)
        return value

    def _keep(self, row: str, text: str, value: Any) -> None:
        """Keep a value that cannot change, such as a lease: its text is read with each step of an execution."""
        if not getattr(value, "plain", False):
            return
        try:
            hash(value)
        except TypeError:  # it holds a dict
            return
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[row] = (text, value)

    def _parse(self, row: str, text: str) -> Any:
        def opened(found: dict[str, Any]) -> Any:
            return Secret(self._sealer.open(str(found[SEALED]), row)) if SEALED in found else found

        def restored(found: dict[str, Any]) -> Any:
            return opened(found) if SEALED in found else {_unescaped(key): each for key, each in found.items()}

        # Most texts hold no secret, and next to none an escaped key: the parser then need not stop at each dict.
        if f'{SEALED}"' not in text:
            return json.loads(text)
        return json.loads(text, object_hook=restored if f'${SEALED}"' in text else opened)


def _tree(value: Any, secret: Callable[[Secret], Any], key: Callable[[str], str]) -> Any:
    """The same tree of nothing but plain values, with its secrets and unusual keys replaced."""
    kind = type(value)
    if kind in _LEAVES:
        return value
    if kind is dict or isinstance(value, Mapping):
        return {
            name if type(name) is str and SEALED not in name else key(_text_key(name)): (
                each if type(each) in _LEAVES else _tree(each, secret, key)
            )
            for name, each in value.items()
        }
    if kind is list or isinstance(value, list | tuple):
        return [each if type(each) in _LEAVES else _tree(each, secret, key) for each in value]
    if isinstance(value, Secret):
        return secret(value)
    if isinstance(value, Enum):
        return _tree(value.value, secret, key)
    return _number_or_text(value)


def _number_or_text(value: Any) -> Any:
    if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, float):
        raise ValueError("it holds a number that JSON does not have")  # noqa: TRY004 - of the right type
    raise TypeError(f"it holds a value of type {type(value).__name__}; only JSON values and Secrets are kept")


def _text_key(name: Any) -> str:
    plain = name.value if isinstance(name, Enum) else name
    if not isinstance(plain, str):
        raise TypeError(f"it holds a dict with a key of type {type(plain).__name__}; keys are text")
    return plain


def _same(value: Any) -> Any:
    return value


def _escaped(key: str) -> str:
    return f"${key}" if key.lstrip("$") == "sealed" and key.startswith("$") else key


def _unescaped(key: str) -> str:
    return key[1:] if key.lstrip("$") == "sealed" and key.startswith("$$") else key
