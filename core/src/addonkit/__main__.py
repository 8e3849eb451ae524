"""The command `addonkit`, also as `python -m addonkit`. Signals are taken before anything else is imported."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import NoReturn

INTERRUPTED = 130

GARBAGE = 50_000
"""Objects made since the last look for garbage, after which the next one is due: imports alone make that many."""

_OTHERS = 0o077
"""What a umask may take away. Without the bits of its owner, no file that a command makes could be used."""


def main() -> NoReturn:
    """Run the command line and end the process at once; threads of plugins cannot hold it.

    An interruption before the command has begun, or after it has ended, is one line and no trace.
    """
    gc.set_threshold(GARBAGE)
    os.umask(os.umask(_OTHERS) & _OTHERS)
    may_interrupt = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if may_interrupt:
        signal.signal(signal.SIGINT, _leave)
    try:
        if sys.argv[1:] == ["--version"]:
            _print_version()
        from addonkit.cli.quick_run import try_quick_run

        try_quick_run(sys.argv[1:])
        from addonkit.cli.main import main as run

        if may_interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            run()
        finally:
            if may_interrupt:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        _leave()
    except SystemExit as end:
        _flush()
        os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))


def _print_version() -> None:
    """Print what `--version` prints elsewhere, without its imports; return if that fails, for a better report."""
    from addonkit._version import __version__

    try:
        os.write(1, f"addonkit {__version__}\n".encode())
    except OSError:
        return
    os._exit(0)


def _leave(*_signal: object) -> NoReturn:
    os.write(2, b"interrupted: nothing was changed\n")
    os._exit(INTERRUPTED)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):  # closed from the start, or its reader is gone
            continue


if __name__ == "__main__":
    main()
