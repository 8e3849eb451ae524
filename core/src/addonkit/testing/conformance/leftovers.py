"""Processes that an addon starts by itself, past the framework: found by what they inherit."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from addonkit.models.identifiers import new_id
from addonkit.util.procfs import all_pids

_MARK: Final = "CONFORMANCE_OF_ADDON"
"""Variable of the environment that every process of a check inherits; not one of addonkit's own settings, which
the command line of the kit does not pass on."""


SESSION: Final = "CONFORMANCE_SESSION"
"""The same for every process of a run, services included."""

_older: Final[dict[str, frozenset[int]]] = {}
"""Pids of processes that were there before a mark was: a busy machine has hundreds, which need not be looked at."""


@contextmanager
def marked() -> Iterator[str]:
    """Mark this process and all that it starts; processes left at the end of the block are killed."""
    before = os.environ.get(_MARK)
    mark = os.environ[_MARK] = new_id()
    _older[mark] = frozenset(all_pids())
    try:
        yield mark
    finally:
        kill_marked(_MARK, mark)
        del os.environ[_MARK], _older[mark]
        if before is not None:
            os.environ[_MARK] = before


@contextmanager
def unmarked() -> Iterator[None]:
    """Let what is started in the block outlive the check that runs."""
    mark = os.environ.pop(_MARK, None)
    try:
        yield
    finally:
        if mark is not None:
            os.environ[_MARK] = mark


def processes_of(mark: str) -> tuple[psutil.Process, ...]:
    """Return processes that were started since then and still run, this one left out."""
    return _marked_by(_MARK, mark)


def kill_marked(name: str, mark: str) -> None:
    """Kill the processes whose environment has a mark, this one left out."""
    for process in _marked_by(name, mark):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)


def _marked_by(name: str, mark: str) -> tuple[psutil.Process, ...]:
    wanted = f"{name}={mark}".encode()
    older = _older.get(mark, frozenset())
    newer = (pid for pid in all_pids() if pid not in older and pid != os.getpid())
    return tuple(_running(pid for pid in newer if wanted in _environ(pid)))


def _environ(pid: int) -> list[bytes]:
    """Return what a process was started with; nothing of a zombie, or of another user."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _running(pids: Iterable[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            yield psutil.Process(pid)
