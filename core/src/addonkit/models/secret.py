"""A value that hides itself."""

from __future__ import annotations

import hmac
import secrets
from typing import Any, Final, NoReturn

ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""Characters of generated secrets: safe in URLs, shells, dotenv, INI and JSON alike."""

HIDDEN: Final = "***"
"""Stands for a secret wherever people look."""


class Secret:
    """Text that shows as `***` everywhere but where `reveal()` is called.

    Equal to another Secret of the same text (compared in constant time); refuses to be pickled.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def generate(cls, length: int = 40) -> Secret:
        """Return a new secret of `length` (at least 32) characters from the operating system's generator.

        The first character is a letter or digit, so that the value is never taken for an option.

        Raises:
            ValueError: for a length under 32.
        """
        if length < 32:  # noqa: PLR2004 - the contract's own bound
            raise ValueError(f"a secret of {length} characters is too short: at least 32")
        first = secrets.choice(ALPHABET[:-2])
        # The alphabet has 64 characters, so the last six bits of a byte choose each of them as often.
        return cls(first + "".join([ALPHABET[byte & 63] for byte in secrets.token_bytes(length - 1)]))

    def reveal(self) -> str:
        """Return the text itself. Call it where the text is used, not earlier."""
        return self._text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._bytes(), other._bytes())

    def _bytes(self) -> bytes:
        # Text from the environment may hold lone surrogates; a plain encode() would raise with the text in it.
        return self._text.encode("utf-8", "surrogatepass")

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Secret is not pickled: it would leave its hiding place")


def reveal(value: str | Secret) -> str:
    """Return the text of a value that may be secret."""
    return value.reveal() if isinstance(value, Secret) else value
