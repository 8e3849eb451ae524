"""Tells what went wrong: expected errors as one line, anything else as a short bug report."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import click

from addonkit.cli.streams import clean, say, write_json
from addonkit.errors import AddonkitError

if TYPE_CHECKING:
    from addonkit.cli.session import Session

FAILED = 1
USAGE = 2
INTERRUPTED = 130
"""Exit statuses; 0 is success."""


def tell_expected(session: Session, error: AddonkitError) -> int:
    """One line: what was attempted, what was found, what to do. A log that belongs to it is indented below."""
    if session.verbose:
        _say_trace(error)
    if session.json:
        from addonkit.cli.output import error_json

        write_json(error_json(error))
    else:
        first, *rest = str(error).splitlines() or [""]
        say("\n".join((f"error: {clean(first)}", *(f"  {clean(line)}" for line in rest))))
    return FAILED


def tell_usage(session: Session, error: click.ClickException) -> int:
    """One line: what is wrong with the command line, and where to read how it is right."""
    message = error.format_message().strip()
    path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "addonkit"
    if session.json:
        _write_failure("UsageError", message)
    else:
        say(f"error: {clean(message[:1].lower() + message[1:].rstrip('.?'))}; see {path} --help")
    return USAGE


def tell_interrupted(session: Session) -> int:
    """One line: how to continue, and how to undo."""
    hint = session.hint or "nothing was changed"
    if session.json:
        _write_failure("Interrupted", hint)
    else:
        say(f"interrupted: {hint}")
    return INTERRUPTED


def tell_output(error: OSError) -> int:
    """Stdout cannot be written to; a reader that went away on purpose is no news."""
    if not isinstance(error, BrokenPipeError):
        say(f"error: cannot write the output: {error.strerror}")
    return FAILED


def tell_bug(session: Session, error: Exception) -> int:
    """What is needed to report it; never values of variables, which may be secret."""
    from addonkit.cli.blame import blame

    message = " ".join(traceback.format_exception_only(error)).strip()
    culprit = blame(error)
    if session.verbose:
        _say_trace(error)
    if session.json:
        _write_failure("InternalError", f"{message} (in {culprit})")
        return FAILED
    say(f"error: this is a bug in {culprit}; please report it")
    say(f"  {clean(message)}")
    if not session.verbose:
        say("  the same command with -v shows the trace")
    return FAILED


def _write_failure(kind: str, message: str) -> None:
    from addonkit.cli.output import failure_json

    write_json(failure_json(kind, message))


def _say_trace(error: BaseException) -> None:
    """The trace as Python prints it: lines of code, no values."""
    say("".join(traceback.format_exception(error)).rstrip("\n"))
