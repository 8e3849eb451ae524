"""Texts in which `{NAME}` stands for a variable."""

from __future__ import annotations

from string import Formatter

from addonkit.errors import InvalidInput
from addonkit.models.variable import check_variable_key


def names_in(text: str) -> tuple[str, ...]:
    """Return the names that a text has in braces.

    Raises:
        InvalidInput: the braces do not fit, or what is in them is no name of a variable.
    """
    try:
        fields = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError as error:
        attempted = f"cannot use the text {text!r}"
        raise InvalidInput(attempted, str(error), "double a brace that stands for itself") from None
    return tuple(check_variable_key(name) for name in fields)
