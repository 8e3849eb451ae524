"""Puts another program in the place of this process."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NoReturn

import click

from addonkit.cli.streams import clean, echo_err
from addonkit.util.stdout import restore_stdout

NOT_FOUND: Final = 127
NOT_RUNNABLE: Final = 126
"""Exit statuses of programs that start others, as POSIX has them for `env` and `nohup`."""

_OURS: Final = "ADDONKIT_*"
"""Variables that are for addonkit alone: some open every secret, or are an operator's own credentials."""


def child_environment(own: Mapping[str, str], values: Mapping[str, str], unset: Iterable[str] = ()) -> dict[str, str]:
    """Return the environment of a program that runs for an app.

    Args:
        own: environment of this process.
        values: the app's variables, which win.
        unset: names of `own` that are left out; a trailing `*` stands for any ending. So is every ADDONKIT_ variable.
    """
    patterns = (_OURS, *unset)
    return {key: text for key, text in own.items() if not _matches(key, patterns)} | dict(values)


def _matches(key: str, patterns: Iterable[str]) -> bool:
    return any(key.startswith(each[:-1]) if each.endswith("*") else key == each for each in patterns)


def replace_process(argv: Sequence[str], values: Mapping[str, str], unset: Iterable[str] = ()) -> NoReturn:
    """Become another program, found on the PATH that it will have itself.

    Args:
        argv: the program and its arguments.
        values: the app's variables.
        unset: names that do not survive from this process's environment; see `child_environment`.

    Raises:
        click.exceptions.Exit: with 127 or 126 when it is not found or cannot be run.
    """
    environment = child_environment(os.environ, values, unset)
    restore_signals()
    restore_stdout()
    try:
        os.execvpe(argv[0], list(argv), environment)  # noqa: S606 - running what the user typed is the job
    except (FileNotFoundError, NotADirectoryError):
        raise _not_started(argv[0], "there is no such program", NOT_FOUND) from None
    except OSError as error:
        raise _not_started(argv[0], error.strerror or str(error), NOT_RUNNABLE) from None
    except ValueError as error:
        raise _not_started(argv[0], str(error), NOT_RUNNABLE) from None


def restore_signals() -> None:
    """Undo that Python ignores two signals: what is ignored stays ignored in the program that comes."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


def _not_started(name: str, found: str, status: int) -> click.exceptions.Exit:
    echo_err(f"error: cannot run {name!r}: {clean(found)}")
    return click.exceptions.Exit(status)
