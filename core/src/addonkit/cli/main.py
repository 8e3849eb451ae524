"""The command `addonkit`: runs what was asked for and turns every outcome into an exit status."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

from addonkit.cli.failures import report_bug, report_expected, report_interrupted, report_output, report_usage
from addonkit.cli.group import cli
from addonkit.cli.invocation import Invocation, Opener
from addonkit.cli.streams import discard_output, is_about_output
from addonkit.errors import AddonkitError
from addonkit.util.stdout import restore_stdout

_COMPLETE = "_ADDONKIT_COMPLETE"


def main(argv: Sequence[str] | None = None, *, opener: Opener | None = None) -> NoReturn:
    """Run one command line and exit: 0 done, 1 failed, 2 usage, 130 interrupted.

    `run` does not come back: the program it starts takes the place of this process.

    Args:
        argv: arguments without the program's name; default is `sys.argv[1:]`.
        opener: opens the home; default is `addonkit.open`.
    """
    instruction = os.environ.get(_COMPLETE)
    if instruction:
        from click.shell_completion import shell_complete

        from addonkit.cli.completion import register

        register()
        sys.exit(shell_complete(cli, {"obj": Invocation(opener)}, "addonkit", _COMPLETE, instruction))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if argv is not None:
        try:
            sys.exit(_run(argv, Invocation(opener)))
        finally:
            restore_stdout()
    _end(_run(sys.argv[1:], Invocation(opener)))


def _end(status: int) -> NoReturn:
    """End this process now: threads that a plugin leaves behind, and its functions for the exit, hold nothing up."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # closed from the start, or by a reader that left
            stream.flush()
    os._exit(status)


def _run(argv: Sequence[str], invocation: Invocation) -> int:
    """Return the exit status of one command line, output that could not be written included."""
    try:
        return _run_command(argv, invocation)
    except OSError as error:
        if not is_about_output(error):
            return report_bug(invocation, error)
        discard_output()
        return report_output(error)


def _run_command(argv: Sequence[str], invocation: Invocation) -> int:
    try:
        with cli.make_context("addonkit", list(argv), obj=invocation) as context:
            cli.invoke(context)
    except click.exceptions.Exit as request:
        return request.exit_code
    except (click.Abort, KeyboardInterrupt):
        return report_interrupted(invocation)
    except click.ClickException as error:
        invocation.json = invocation.json or "--json" in argv
        return report_usage(invocation, error)
    except AddonkitError as error:
        return report_expected(invocation, error)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the user gets a report and not a trace
        return report_bug(invocation, error)
    return 0
