"""Ends what judges mutants when the runner is to end: SIGTERM and Ctrl-C leave no check and no server."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from addonkit.util.procfs import all_pids

MARK: Final = "MUTATION_RUN"
"""Variable of the environment that all processes of a run inherit."""

_CLEANS_UP: Final = {b"addonkit.testing.prefork": signal.SIGTERM, b"pytest": signal.SIGINT}
"""Words of the command line of those that end their own servers, and the signal on which they do."""

_PATIENCE: Final = 20.0
_LOOK_EVERY: Final = 0.1


def end_all_on_signals() -> None:
    """Let SIGTERM and SIGINT end the run, and everything that was started for it, from now on."""
    mark = os.environ[MARK] = uuid.uuid4().hex

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        _end_marked(f"{MARK}={mark}".encode())
        os._exit(128 + number)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, end)


def _end_marked(mark: bytes) -> None:
    """Ask those that clean up to end, and kill what is left then."""
    for word, number in _CLEANS_UP.items():
        _send(number, _marked(mark, lambda command, word=word: word in command))  # type: ignore[misc]  # bound at once
    ending = time.monotonic() + _PATIENCE
    while _marked(mark) and time.monotonic() < ending:
        time.sleep(_LOOK_EVERY)
    _send(signal.SIGKILL, _marked(mark))


def _marked(mark: bytes, wanted: Callable[[bytes], bool] = lambda _: True) -> list[int]:
    others = (pid for pid in all_pids() if pid != os.getpid())
    return [pid for pid in others if mark in _read(pid, "environ").split(b"\0") and wanted(_read(pid, "cmdline"))]


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _send(number: int, pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
