"""Environment variables that an addon contributes to an app."""

from __future__ import annotations

import re
from typing import Any, Final

import attrs

from addonkit.errors import InvalidInput, InvalidName
from addonkit.models.secret import Secret, reveal
from addonkit.util.values import frozen

KEY: Final = re.compile(r"[A-Z_][A-Z0-9_]*")
"""Grammar of the names that addons give."""

POSIX_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""Grammar of the names that people may set, such as `http_proxy`."""

ENTRY_MAX: Final = 128 * 1024 - 1
"""Bytes of `KEY=value`: the longest that Linux passes to a program."""


def check_posix_name(key: str) -> str:
    """Return the key when it matches `^[A-Za-z_][A-Za-z0-9_]*$`, as every shell takes it.

    Raises:
        InvalidName: otherwise.
    """
    if not POSIX_NAME.fullmatch(key):
        raise InvalidName(
            f"cannot use {key!r} as the name of a variable",
            "a name has letters, digits and '_' and does not start with a digit",
            "use one like 'DATABASE_URL'",
        )
    return key


def check_text(key: str, text: str) -> None:
    """Check that an environment can hold a value.

    Raises:
        InvalidInput: it has a NUL, is no text, or is too long; the value is not shown.
    """
    attempted = f"cannot set {key}"
    if "\0" in text:
        raise InvalidInput(attempted, "its value has a NUL, which no environment can hold", "encode it, as with base64")
    try:
        size = len(f"{key}={text}".encode())
    except UnicodeEncodeError:
        raise InvalidInput(attempted, "its value is not UTF-8 text", "encode it, as with base64") from None
    if size > ENTRY_MAX:
        found = f"its value has {size - len(key) - 1} bytes and the system passes at most {ENTRY_MAX - len(key) - 1}"
        raise InvalidInput(attempted, found, "put it into a file and set its path")


def check_variable_key(key: str) -> str:
    """Return the key when it matches `^[A-Z_][A-Z0-9_]*$`, the grammar for addons.

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


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of the variables for which `{NAME}` stands in a text.

    Raises:
        InvalidInput: the braces do not fit, or what is in them is no name of a variable.
    """
    from string import Formatter  # few commands need it

    attempted, advice = f"cannot use the text {text!r}", "double a brace that stands for itself"
    names = []
    try:
        for _text, name, form, conversion in Formatter().parse(text):
            if form or conversion:
                raise InvalidInput(attempted, "braces hold a name and nothing else", advice)
            if name is not None:
                names.append(check_variable_key(name))
    except ValueError as error:
        raise InvalidInput(attempted, str(error), advice) from None
    return tuple(names)


def _check_value(variable: Variable, _: object, value: Any) -> None:
    if not isinstance(value, str | Secret):
        raise InvalidInput(
            f"cannot make variable {variable.key}",
            f"its value is of type {type(value).__name__}",
            "give text, or a Secret for what must not be shown",
        )


@frozen
class Variable:
    """One environment variable.

    Attributes:
        key: `^[A-Za-z_][A-Za-z0-9_]*$`, checked; those that addons give have capital letters only.
        value: its text, checked to be one. Give a Secret, or `sensitive=True`, for what must not be shown.
        sensitive: whether it is hidden until asked for; follows from the value being a Secret.

    Raises:
        InvalidName: when the key is not one.
        InvalidInput: when the value is neither text nor a Secret.
    """

    key: str = attrs.field(validator=lambda _s, _a, key: check_posix_name(key))
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
        """Return the same variable under another key."""
        return attrs.evolve(self, key=key)


@frozen
class VariableMove:
    """A variable of an app that is found under another name from now on.

    Attributes:
        label: the set it belongs to, see `Association.label`.
        old: name before; `new` name from now on.
        reason: why, in a few words.
    """

    label: str
    old: str
    new: str
    reason: str
