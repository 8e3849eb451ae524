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
    attempted, advice = f"cannot use the text {text!r}", "double a brace that stands for itself"
    try:
        fields = [field for field in Formatter().parse(text) if field[1] is not None]
    except ValueError as error:
        raise InvalidInput(attempted, str(error), advice) from None
    if any(form or conversion for _, _, form, conversion in fields):
        raise InvalidInput(attempted, "braces hold a name and nothing else", advice)
    return tuple(check_variable_key(name or "") for _, name, _, _ in fields)
