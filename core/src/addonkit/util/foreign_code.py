"""Runs code of plugins: whatever it prints, raises or is interrupted by stays its own."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from addonkit.util.stdout import stdout_to_stderr
from addonkit.util.text import printable

LONGEST_REASON: Final = 500
"""Characters of a foreign message that are shown in one line."""

_lock = threading.Lock()
_threads: Counter[int] = Counter()
"""How deep each thread is in code of plugins."""


@contextmanager
def foreign_code() -> Iterator[None]:
    """Run a plugin's code: what it prints goes to stderr. See also `runs_foreign_code`."""
    thread = threading.get_ident()
    with _lock:
        _threads[thread] += 1
    try:
        with stdout_to_stderr():
            yield
    finally:
        with _lock:
            _threads[thread] -= 1
            if not _threads[thread]:
                del _threads[thread]


def runs_foreign_code() -> bool:
    """Return whether this thread runs plugin code, which a signal handler can interrupt and an event loop cannot."""
    return threading.get_ident() in _threads


def foreign_code_runs_elsewhere() -> bool:
    """Return whether another thread runs plugin code. It may take any time, so an interrupted command leaves it."""
    return any(thread != threading.get_ident() for thread in tuple(_threads))


def one_line(error: BaseException) -> str:
    """Return an exception as one printable line: its type and its message, which may fail to be made."""
    name = printable(type(error).__name__)
    try:
        text = printable(" ".join(str(error)[: 2 * LONGEST_REASON].split()))
    except BaseException as failed:
        if isinstance(failed, KeyboardInterrupt):
            raise
        return f"{name} (its message cannot be shown)"
    if len(text) > LONGEST_REASON:
        text = f"{text[:LONGEST_REASON]}…"
    return f"{name}: {text}" if text else name
