"""Where output goes: results to stdout, everything said to a person beside them to stderr."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import Any

import click


def clean(text: str) -> str:
    r"""Text safe to show on a terminal: control characters become escapes such as `\x1b`.

    Values and logs come from elsewhere; shown as they are, they could move the cursor or hide a line.
    """
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    return "\\n" if character == "\n" else character.encode("unicode_escape").decode()


def write(text: str) -> None:
    """Write a result for people to stdout, with a line end; empty text writes nothing."""
    if text:
        click.echo(text)


def write_exactly(text: str) -> None:
    """Write text to stdout as UTF-8, byte for byte, whatever the terminal's encoding is."""
    click.echo(text.encode(), nl=False)


def write_json(value: Any) -> None:
    """Write the one JSON document of this invocation to stdout."""
    click.echo(json.dumps(value, indent=2))


def say(text: str) -> None:
    """Tell a person something beside the result, on stderr. A stderr that is gone changes nothing."""
    with contextlib.suppress(OSError, ValueError):
        click.echo(text, err=True)


def stdout_failure() -> OSError | None:
    """Why stdout cannot be written to; None when it can. After a failure it is replaced by a sink."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None
