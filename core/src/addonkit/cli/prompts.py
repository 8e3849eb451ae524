"""Asks people: before something is lost, and for what must not be seen."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final

import click

from addonkit.cli.streams import clean, echo_err, is_terminal

_MOST: Final = 16 * 1024 * 1024
"""Bytes that are read of stdin."""


def confirm(attempted: str, losses: str, question: str = "", *, json: bool = False, name: str = "") -> None:
    """Show what will be lost and ask; come back only after a yes, or after the name was typed.

    Args:
        attempted: what is not done when there is no person to ask, as `cannot destroy shop-postgresql`.
        losses: shown before the question.
        question: that a yes agrees to.
        json: a program reads the output, so the question is not asked.
        name: that has to be typed instead of a yes.

    Raises:
        AddonkitError: there is no terminal to ask on.
        click.exceptions.Exit: the answer was another one.
        click.Abort: the question was interrupted.
    """
    from addonkit.errors import AddonkitError

    if json or not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise AddonkitError(attempted, "it has to be confirmed and there is no terminal to ask on", "add --yes")
    echo_err(losses)
    if name:
        agreed = (
            click.prompt(f"Type {clean(name)} to continue", default="", show_default=False, err=True).strip() == name
        )
    else:
        agreed = click.confirm(question, err=True)
    if not agreed:
        echo_err("no changes made")
        raise click.exceptions.Exit(1)


def fill_in(values: Mapping[str, str | None]) -> dict[str, str]:
    """Return the values, with each None replaced by what a person types unseen, or by what stdin holds.

    Without a terminal one value is all of stdin, but for a line end at its end; several values are a line each.

    Raises:
        click.UsageError: stdin has fewer or more lines than values.
        InvalidInput: stdin is not UTF-8 text, or a value is too long.
    """
    missing = [key for key, value in values.items() if value is None]
    if not missing:
        return {key: value for key, value in values.items() if value is not None}
    found = _prompted(missing) if is_terminal(sys.stdin) else _read(missing)
    return {key: found[key] if value is None else value for key, value in values.items()}


def _prompted(keys: Sequence[str]) -> dict[str, str]:
    return {key: str(click.prompt(key, hide_input=True, err=True)) for key in keys}


def _read(keys: Sequence[str]) -> dict[str, str]:
    from addonkit.models.variable import check_text

    text = _stdin(keys[0])
    if len(keys) == 1:
        values = [_without_line_end(text)] if text else []
    else:
        values = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []
    if len(values) < len(keys):
        raise click.UsageError(f"stdin ends before the value of {keys[len(values)]}")
    if len(values) > len(keys):
        raise click.UsageError(f"stdin has {len(values)} lines for {len(keys)} values; give one KEY for several lines")
    found = dict(zip(keys, values, strict=True))
    for key, value in found.items():
        check_text(key, value)
    return found


def _stdin(key: str) -> str:
    """Return all of stdin, no more than can be a value and a little."""
    from addonkit.errors import InvalidInput

    if sys.stdin is None:
        return ""
    content = getattr(sys.stdin, "buffer", sys.stdin).read(_MOST)
    try:
        return content if isinstance(content, str) else content.decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"cannot set {key}", "stdin is not UTF-8 text", "encode it, as with base64") from None


def _without_line_end(text: str) -> str:
    return text[:-1].removesuffix("\r") if text.endswith("\n") else text
