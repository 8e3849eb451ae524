"""Tells what went wrong: expected errors as one line, anything else as a short bug report."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING, Final

import click

from addonkit.cli.streams import clean, echo_err, write_json
from addonkit.errors import AddonkitError, UnknownAddon, UnknownVariant

if TYPE_CHECKING:
    from addonkit.cli.invocation import Invocation

_SUGGESTION: Final = re.compile(r"\. (?:Did you mean|\(Did you mean) ([^?]*\?)\)?")
"""What click says of a near miss."""

FAILED = 1
USAGE = 2
INTERRUPTED = 130
"""Exit statuses; 0 is success."""


def report_expected(invocation: Invocation, error: AddonkitError) -> int:
    """Return one line: what was attempted, what was found, what to do. A log that belongs to it is indented below."""
    if invocation.verbose:
        _echo_trace(error)
    if isinstance(error, UnknownAddon | UnknownVariant):
        from addonkit.cli.synonyms import advice_for

        error.advice = advice_for(error) or error.advice
    if invocation.json:
        from addonkit.cli.render.json import error_json

        write_json(error_json(error))
    else:
        first, *rest = str(error).splitlines() or [""]
        echo_err("\n".join((f"error: {clean(first)}", *(f"  {clean(line)}" for line in rest))))
    return FAILED


def report_usage(invocation: Invocation, error: click.ClickException) -> int:
    """Return one line: what is wrong with the command line, and where to read how it is right."""
    message = error.format_message().strip()
    path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "addonkit"
    if invocation.json:
        _write_failure("UsageError", message)
    else:
        message = _SUGGESTION.sub(r"; did you mean \1", message[:1].lower() + message[1:]).rstrip(".")
        echo_err(f"error: {clean(message)}{'' if message.endswith('?') else ';'} see `{path} --help`")
    return USAGE


def report_interrupted(invocation: Invocation) -> int:
    """Return one line: how to continue, and how to undo."""
    hint = invocation.hint or "nothing was changed"
    if invocation.json:
        _write_failure("Interrupted", hint)
    else:
        echo_err(f"interrupted: {hint}")
    return INTERRUPTED


def report_output(error: OSError) -> int:
    """Stdout cannot be written to; a reader that went away on purpose is no news."""
    if not isinstance(error, BrokenPipeError):
        echo_err(f"error: cannot write the output: {error.strerror}")
    return FAILED


def report_bug(invocation: Invocation, error: Exception) -> int:
    """Return what is needed to report it; never values of variables, which may be secret."""
    from addonkit.cli.attribution import attribute

    message = " ".join(traceback.format_exception_only(error)).strip()
    culprit = attribute(error)
    if invocation.verbose:
        _echo_trace(error)
    if invocation.json:
        _write_failure("InternalError", f"{message} (in {culprit})")
        return FAILED
    echo_err(f"error: this is a bug in {clean(culprit)}; please report it")
    echo_err(f"  {clean(message)}")
    if not invocation.verbose:
        echo_err("  the same command with -v shows the trace")
    return FAILED


def _write_failure(kind: str, message: str) -> None:
    from addonkit.cli.render.json import failure_json

    write_json(failure_json(kind, message))


def _echo_trace(error: BaseException) -> None:
    """Write the trace as Python prints it: lines of code, no values."""
    echo_err("".join(traceback.format_exception(error)).rstrip("\n"))
