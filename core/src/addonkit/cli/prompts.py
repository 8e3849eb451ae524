"""Asks people: before something is lost, and for what must not be seen."""

from __future__ import annotations

import sys

import click

from addonkit.cli.streams import echo_err, is_terminal


def confirm(attempted: str, losses: str, question: str, *, json: bool = False) -> None:
    """Show what will be lost and ask; come back only after a yes.

    Args:
        attempted: what is not done when nobody can be asked, as `cannot destroy shop-postgresql`.
        losses: shown before the question.
        question: that a yes agrees to.
        json: a program reads the output, so nobody is asked.

    Raises:
        AddonkitError: there is no terminal to ask on.
        click.exceptions.Exit: the answer was no.
        click.Abort: the question was interrupted.
    """
    from addonkit.errors import AddonkitError

    if json or not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise AddonkitError(attempted, "it has to be confirmed and there is no terminal to ask on", "add --yes")
    echo_err(losses)
    if not click.confirm(question, err=True):
        echo_err("no changes made")
        raise click.exceptions.Exit(1)


def read_secret(key: str) -> str:
    """A value from the keyboard, not shown while it is typed; without a terminal, a line of stdin.

    Raises:
        click.UsageError: stdin has no more lines.
    """
    if is_terminal(sys.stdin):
        return str(click.prompt(key, hide_input=True, err=True))
    line = sys.stdin.readline() if sys.stdin else ""
    if not line:
        raise click.UsageError(f"stdin ends before the value of {key}")
    return line.rstrip("\r\n")
