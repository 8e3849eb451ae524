"""Begins a benchmark: compiles modules once, and answers a request to end in order."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn


def begin() -> None:
    """Let the blocks that remove servers and homes run at SIGTERM; begin anew where compiled modules are not kept.

    Without them each command compiles all that it imports, and what is measured is that.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        print("PYTHONDONTWRITEBYTECODE is ignored: users' commands find their modules compiled", file=sys.stderr)
        os.execv(sys.executable, sys.orig_argv)
    signal.signal(signal.SIGTERM, _end)


def _end(*_signal: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt  # which no step takes for a failure of its own
