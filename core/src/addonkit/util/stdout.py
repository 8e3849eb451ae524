"""Keeps stdout for results: while foreign code runs, whatever this process prints goes to stderr."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple, TextIO

_STDOUT: Final = 1
_STDERR: Final = 2


class _Saved(NamedTuple):
    """Stdout as it was: Python's stream, and a copy of the file descriptor with a stream of its own."""

    stream: TextIO
    descriptor: int | None
    results: TextIO


_lock = threading.RLock()
_saved: list[_Saved] = []
_depth = [0]
_kept = contextlib.ExitStack()


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send to stderr what this process prints: Python code, C code, and programs that it starts.

    Nested and concurrent blocks are one redirection, which ends with the last of them. A stream that code keeps from
    within the block, as `logging.basicConfig(stream=sys.stdout)` does, is stderr for good.
    """
    with _lock:
        _depth[0] += 1
        if _depth[0] == 1:
            stream = sys.stdout
            _flush(stream)
            descriptor = _move_descriptor()
            _saved.append(_Saved(stream, descriptor, _copy_of(stream, descriptor)))
            sys.stdout = sys.stderr
    try:
        yield
    finally:
        with _lock:
            _depth[0] -= 1
            if _depth[0] == 0:
                _restore(_saved.pop())


def redirect_stdout() -> None:
    """Begin what `stdout_to_stderr` does, until `restore_stdout`; does nothing when that has been done already."""
    with _lock:
        restore_stdout()
        _kept.enter_context(stdout_to_stderr())


def restore_stdout() -> None:
    """End what `redirect_stdout` began; does nothing otherwise."""
    with _lock:
        _kept.close()


def results() -> TextIO:
    """Return the stream for results: stdout, also while everything else that is printed goes to stderr."""
    with _lock:
        return _saved[-1].results if _saved else sys.stdout


def _move_descriptor() -> int | None:
    """Make stdout's number lead to stderr; return a copy of what it led to, None when there is no stdout."""
    try:
        copy = os.dup(_STDOUT)
    except OSError:
        return None
    try:
        os.dup2(_STDERR, _STDOUT)
    except OSError:  # stderr was closed from the start: then what is printed goes nowhere
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, _STDOUT)
        os.close(null)
    return copy


def _copy_of(stream: TextIO, descriptor: int | None) -> TextIO:
    """Return a stream that writes where this one did; the stream itself when it is not that of the descriptor."""
    try:
        is_stdout = descriptor is not None and stream.fileno() == _STDOUT
    except (AttributeError, OSError, ValueError):
        is_stdout = False
    if not is_stdout or descriptor is None:
        return stream
    return open(descriptor, "w", encoding=stream.encoding, errors=stream.errors, closefd=False)


def _restore(saved: _Saved) -> None:
    _flush(sys.stdout)
    if saved.results is not saved.stream:
        _flush(saved.results)
    if saved.descriptor is not None:
        os.dup2(saved.descriptor, _STDOUT)
        os.close(saved.descriptor)
    sys.stdout = saved.stream


def _flush(stream: TextIO | None) -> None:
    """Write out what a stream holds; where that fails, so will the next write, which reports it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if stream is not None:
            stream.flush()
