"""Puts another program in the place of this process."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from addonkit.util.stdout import restore_stdout

if TYPE_CHECKING:
    from addonkit.kit.shells import ShellSession

NOT_FOUND: Final = 127
NOT_RUNNABLE: Final = 126
"""Exit statuses of programs that start others, as POSIX has them for `env` and `nohup`."""

_OURS: Final = "ADDONKIT_*"
"""Variables that are for addonkit alone: some open every secret, or are an operator's own credentials."""


class NotStarted(Exception):
    """The program could not be started.

    Attributes:
        status: exit status that says why.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Receives(Protocol):
    """Variables of an app: an Environment, or what was read of one."""

    @property
    def values(self) -> Mapping[str, str]:
        """Names to values in clear."""

    @property
    def unset(self) -> tuple[str, ...]:
        """Names that do not survive from the shell; a trailing `*` stands for any ending."""

    @property
    def programs(self) -> tuple[str, ...]:
        """Directories of client programs."""


def child_environment(own: Mapping[str, str], environment: Receives) -> dict[str, str]:
    """Return the environment of a program that runs for an app.

    The app's variables win. Variables of `own` that an addon wants unset are left out, and so is every ADDONKIT_ one.
    Directories of clients that fit the app's servers come first in PATH.
    """
    patterns = (_OURS, *environment.unset)
    kept = {key: text for key, text in own.items() if not _matches(key, patterns)}
    path = kept.get("PATH", os.defpath).split(os.pathsep)
    clients = [each for each in environment.programs if each not in path and os.path.isdir(each)]  # noqa: PTH112 - False where a directory cannot be entered
    if clients:
        kept["PATH"] = os.pathsep.join((*clients, *path))
    return {**kept, **environment.values}


def _matches(key: str, patterns: Iterable[str]) -> bool:
    return any(key.startswith(each[:-1]) if each.endswith("*") else key == each for each in patterns)


def replace_process(argv: Sequence[str], environment: Receives) -> NoReturn:
    """Become another program, found on the PATH that it will have itself.

    Args:
        argv: the program and its arguments.
        environment: of the app; see `child_environment`.

    Raises:
        NotStarted: with 127 or 126 when it is not found or cannot be run; the reason was said.
    """
    environ = _encoded(child_environment(os.environ, environment), environment)
    restore_signals()
    restore_stdout()
    try:
        os.execvpe(argv[0], list(argv), environ)  # noqa: S606 - running what the user typed is the job
    except (FileNotFoundError, NotADirectoryError):
        raise _not_started(argv[0], "there is no such program", NOT_FOUND) from None
    except OSError as error:
        raise _not_started(argv[0], error.strerror or str(error), NOT_RUNNABLE) from None
    except ValueError as error:
        raise _not_started(argv[0], str(error), NOT_RUNNABLE) from None


def _encoded(environ: Mapping[str, str], environment: Receives) -> dict[bytes, bytes]:
    """Return what an app receives is UTF-8 in every locale; all else stays the bytes that it was."""
    return {
        os.fsencode(key): text.encode() if key in environment.values else os.fsencode(text)
        for key, text in environ.items()
    }


def shell_argv(session: ShellSession) -> tuple[str, ...]:
    """Return the first of a session's commands whose program is found, else its module.

    Raises:
        NotStarted: with 127 when there is neither; the reason was said.
    """
    path = child_environment(os.environ, session).get("PATH", os.defpath)
    for command in session.commands:
        if shutil.which(command[0], path=path):
            return command
    if session.module:
        return (sys.executable, "-P", "-m", session.module)
    names = " or ".join(command[0] for command in session.commands)
    raise _not_started(names, "there is no such program; install it, or put it into PATH", NOT_FOUND)


def restore_signals() -> None:
    """Undo that Python ignores two signals: what is ignored stays ignored in the program that comes."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


def _not_started(name: str, found: str, status: int) -> NotStarted:
    from addonkit.cli.streams import clean, echo_err

    echo_err(f"error: cannot run {name!r}: {clean(found)}")
    return NotStarted(status)
