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
