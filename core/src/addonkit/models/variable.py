"""Environment variables that an addon contributes to an app."""

from __future__ import annotations

import re
from typing import Any, Final

import attrs

from addonkit.errors import InvalidInput, InvalidName
from addonkit.models.secret import Secret, reveal

KEY: Final = re.compile(r"[A-Z_][A-Z0-9_]*")
"""Grammar of a variable's name."""


def check_variable_key(key: str) -> str:
    """The key itself when it matches `^[A-Z_][A-Z0-9_]*$`.

    Raises:
        InvalidName: otherwise.
    """
    if not KEY.fullmatch(key):
        raise InvalidName(
            f"cannot use {key!r} as the name of a variable",
            "a name has capital letters, digits and '_' and does not start with a digit",
            "use one like 'DATABASE_URL'",
        )
    return key


def _check_value(variable: Variable, _: object, value: Any) -> None:
    if not isinstance(value, str | Secret):
        raise InvalidInput(
            f"cannot make variable {variable.key}",
            f"its value is of type {type(value).__name__}",
            "give text, or a Secret for what must not be shown",
        )


@attrs.frozen
class Variable:
    """One environment variable.

    Attributes:
        key: `^[A-Z_][A-Z0-9_]*$`, checked.
        value: its text, checked to be one. Give a Secret, or `sensitive=True`, for what must not be shown.
        sensitive: whether it is hidden until asked for; follows from the value being a Secret.

    Raises:
        InvalidName: when the key is not one.
        InvalidInput: when the value is neither text nor a Secret.
    """

    key: str = attrs.field(validator=lambda _s, _a, key: check_variable_key(key))
    value: str | Secret = attrs.field(validator=_check_value)
    sensitive: bool = attrs.field(default=attrs.Factory(lambda self: isinstance(self.value, Secret), takes_self=True))

    def __attrs_post_init__(self) -> None:
        if isinstance(self.value, Secret):
            object.__setattr__(self, "sensitive", True)
        elif self.sensitive:
            object.__setattr__(self, "value", Secret(self.value))

    @property
    def text(self) -> str:
        """The value in clear."""
        return reveal(self.value)

    def renamed(self, key: str) -> Variable:
        """The same variable under another key."""
        return attrs.evolve(self, key=key)
