"""Writes output: results to stdout, everything said to a person beside them to stderr."""

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import Any, Final, TextIO

import click

from addonkit.util.stdout import results

_COLOUR: Final = re.compile(r"(\x1b\[(?:0|1|22|3[0-7]|39|9[0-7])(?:;(?:0|1|22|3[0-7]|39|9[0-7]))*m)")
"""An escape sequence that colours text; nothing that hides text is one."""


def clean(text: str) -> str:
    r"""Return text safe to show on a terminal: control characters become escapes such as `\x1b`.

    Values and logs come from elsewhere; shown as they are, they could move the cursor or hide a line.
    """
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    return "\\n" if character == "\n" else character.encode("unicode_escape").decode()


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a person sits at a standard stream; one that was closed from the start is None."""
    return stream is not None and stream.isatty()


def clean_lines(text: str, *, styled: bool = False) -> str:
    """Clean every line of a text; `styled` leaves colours as they are."""
    if not styled:
        return "\n".join(clean(line) for line in text.split("\n"))
    parts = _COLOUR.split(text)
    return "".join(part if number % 2 else clean_lines(part) for number, part in enumerate(parts))


def write(text: str) -> None:
    """Write a result for people to stdout, with a line end; empty text writes nothing. Only colours are not cleaned."""
    if text:
        click.echo(clean_lines(text, styled=is_terminal(results())), file=results())


def write_exactly(text: str) -> None:
    """Write text to stdout as UTF-8, byte for byte, whatever the terminal's encoding is."""
    click.echo(text.encode(), file=results(), nl=False)


def write_json(value: Any) -> None:
    """Write the one JSON document of this invocation to stdout."""
    click.echo(json.dumps(value, indent=2), file=results())


def echo_err(text: str) -> None:
    """Tell a person something beside the result, on stderr, cleaned. A stderr that is gone changes nothing."""
    with contextlib.suppress(OSError, ValueError):
        click.echo(clean_lines(text), err=True)


def is_about_output(error: OSError) -> bool:
    """Return whether the error came from writing to stdout; only click writes there, and it flushes each time."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith("click.")


def discard_output() -> None:
    """Let what is still to be written to stdout go nowhere, so that the interpreter ends in peace."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), results().fileno())
