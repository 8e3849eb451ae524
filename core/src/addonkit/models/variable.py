"""Environment variables that an addon contributes to an app."""

from __future__ import annotations

import re
from typing import Final

import attrs

from addonkit.errors import InvalidName
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


@attrs.frozen
class Variable:
    """One environment variable.

    Attributes:
        key: `^[A-Z_][A-Z0-9_]*$`, checked.
        value: its text. Give a Secret, or `sensitive=True`, for what must not be shown.
        sensitive: whether it is hidden until asked for; follows from the value being a Secret.
    """

    key: str = attrs.field(validator=lambda _s, _a, key: check_variable_key(key))
    value: str | Secret
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
