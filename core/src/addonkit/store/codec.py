"""Values to JSON text and back, with their secrets sealed on the way."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Final, TypeVar

from addonkit.errors import StoreError
from addonkit.models.secret import Secret
from addonkit.store.converter import converter
from addonkit.store.keys import SEALED
from addonkit.store.readers import reader_of
from addonkit.store.sealing import Sealer
from addonkit.store.trees import KeyToEscapeError, PlainTexts, tree_of

T = TypeVar("T")

_KEPT: Final = 1_000
"""Values that are kept with the text that they were read from."""


def unstructure(value: Any) -> Any:
    """Return a tree of dicts with text keys, lists, text, numbers, truth values, None, and Secrets as they are.

    attrs values become dicts, enum members their values, tuples and sets lists, times ISO text in UTC.

    Raises:
        TypeError: when it holds something else.
        ValueError: when it holds a time without a zone, or a number that JSON does not have.
    """
    return tree_of(value)


def structure(tree: Any, kind: Any) -> Any:
    """Return the value of a type (a class, or any annotation) that `unstructure` made this tree of.

    Raises:
        ValueError: naming each place that does not fit.
    """
    with suppress(Exception):  # the converter reads the tree then, or says what is wrong with it
        return reader_of(kind)(tree)
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
        self._plain = PlainTexts(sealer)

    def dump(self, row: str, value: Any) -> str:
        """Return the value as JSON text of ASCII characters. `row` is the id `kind/name` it will be stored under.

        Raises:
            TypeError: when it holds something that is neither a JSON value nor a Secret.
            ValueError: when it holds a time without a zone, or a number that JSON does not have.
        """

        def seal(secret: Secret) -> dict[str, str]:
            return {SEALED: self._sealer.seal(secret.reveal(), row)}

        try:
            if getattr(value, "plain", False):
                with suppress(KeyToEscapeError):
                    return self._plain.text_of(row, value)
            tree = tree_of(value, seal, _escaped)
        except TypeError as error:
            raise TypeError(f"cannot store {row}: {error}") from error
        except ValueError as error:
            raise ValueError(f"cannot store {row}: {error}") from error
        return json.dumps(tree, separators=(",", ":"), allow_nan=False)

    def load(self, row: str, text: str, kind: type[T]) -> T:
        """Return the value that was dumped for this row.

        Raises:
            SecretError: when a secret cannot be opened.
            StoreError: when the text does not fit the type.
        """
        known = self._known.get(row)
        if known is not None and known[0] == text and type(known[1]) is kind:
            return known[1]
        try:
            tree = self._parse(row, text)
            shared = self._shared(row, text, tree, kind)
            value: T = structure(tree, kind) if shared is None else shared
        except ValueError as error:
            raise StoreError(
                f"cannot read {row}", str(error), "it may have been written by another release of addonkit"
            ) from error
        return value

    def _shared(self, row: str, text: str, tree: Any, kind: Any) -> Any:
        """Return a value that cannot change, and is kept for the next reader: most records are read several times.

        None when the converter has to read it.
        """
        try:
            value = reader_of(kind, shared=True)(tree)
        except Exception:  # noqa: BLE001 - the converter says what is wrong
            return None
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[row] = (text, value)
        return value

    def _parse(self, row: str, text: str) -> Any:
        def opened(found: dict[str, Any]) -> Any:
            return Secret(self._sealer.open(str(found[SEALED]), row)) if SEALED in found else found

        def restored(found: dict[str, Any]) -> Any:
            return opened(found) if SEALED in found else {_unescaped(key): each for key, each in found.items()}

        # Most texts hold no secret, and next to none an escaped key: the parser then need not stop at each dict.
        if f'{SEALED}"' not in text:
            return json.loads(text)
        return json.loads(text, object_hook=restored if f'${SEALED}"' in text else opened)


def _escaped(key: str) -> str:
    return f"${key}" if key.lstrip("$") == "sealed" and key.startswith("$") else key


def _unescaped(key: str) -> str:
    return key[1:] if key.lstrip("$") == "sealed" and key.startswith("$$") else key
