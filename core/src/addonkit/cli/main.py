"""The command `addonkit`: runs what was asked for and turns every outcome into an exit status."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from addonkit.cli.failures import tell_bug, tell_expected, tell_interrupted, tell_output, tell_usage
from addonkit.cli.group import cli
from addonkit.cli.session import Opener, Session
from addonkit.cli.streams import discard_output, is_about_output
from addonkit.errors import AddonkitError

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

        sys.exit(shell_complete(cli, {}, "addonkit", _COMPLETE, instruction))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(_run(sys.argv[1:] if argv is None else argv, Session(opener)))


def _run(argv: Sequence[str], session: Session) -> int:
    """The exit status of one command line, output that could not be written included."""
    try:
        return _run_command(argv, session)
    except OSError as error:
        if not is_about_output(error):
            return tell_bug(session, error)
        discard_output()
        return tell_output(error)


def _run_command(argv: Sequence[str], session: Session) -> int:
    try:
        with cli.make_context("addonkit", list(argv), obj=session) as context:
            cli.invoke(context)
    except click.exceptions.Exit as request:
        return request.exit_code
    except (click.Abort, KeyboardInterrupt):
        return tell_interrupted(session)
    except click.ClickException as error:
        session.json = session.json or "--json" in argv
        return tell_usage(session, error)
    except AddonkitError as error:
        return tell_expected(session, error)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the user gets a report and not a trace
        return tell_bug(session, error)
    return 0
