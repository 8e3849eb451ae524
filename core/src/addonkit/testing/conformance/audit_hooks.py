"""Watches what this process does while an addon's steps run in it, by the interpreter's own audit events."""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import attrs

from addonkit.testing.conformance.frames import place_in

_STARTS: Final = frozenset({"subprocess.Popen", "os.exec", "os.posix_spawn"})
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def now() -> int:
    """Return seconds since the epoch, whole, as the clocks of files may be coarse."""
    return int(time.time())


@attrs.frozen
class Audit:
    """The events that were seen.

    Attributes:
        started: command lines of programs, also of those that have ended.
        written: files that were opened for writing.
        said: what was logged or printed.
        began: seconds since the epoch, whole, as the clocks of files may be coarse.
    """

    started: list[str] = attrs.field(factory=list)
    written: set[Path] = attrs.field(factory=set)
    said: io.StringIO = attrs.field(factory=io.StringIO)
    began: int = attrs.field(factory=now)


_BLOCKING: Final = frozenset({"time.sleep", "socket.connect", "urllib.Request", "os.system"})
"""Calls that hold up a whole thread; connecting does where the socket waits for the answer."""

_IO: Final = (
    *("open", "os.listdir", "os.scandir", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.system", "os.exec"),
    *("os.posix_spawn", "shutil.", "socket.", "sqlite3.connect", "subprocess.Popen", "time.sleep", "urllib.Request"),
)
"""Events of what a hook may not do, or how their names begin."""


@attrs.frozen(eq=False)
class _Calls:
    """Calls of a package in one thread."""

    package: str
    blocking: bool
    found: list[str] = attrs.field(factory=list)
    thread: int = attrs.field(factory=threading.get_ident)

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if threading.get_ident() != self.thread or not self._concerns(event, arguments):
            return
        _calls.remove(self)  # showing a line reads its file
        try:
            place = place_in(self.package, sys._getframe(2))  # noqa: SLF001 - past this method and the hook
        finally:
            _calls.append(self)
        if place:
            self.found.append(f"{event} at {place}")

    def _concerns(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if not self.blocking:
            return event.startswith(_IO)
        if event == "socket.connect":
            return bool(arguments[0].gettimeout() != 0)
        return event in _BLOCKING and not (event == "time.sleep" and not arguments[0])


_watching: list[Audit] = []
_calls: list[_Calls] = []
_hooked: list[bool] = []


@contextmanager
def auditing(package: str) -> Iterator[Audit]:
    """Audit for the length of the block.

    Args:
        package: whose log is read down to its details; of everybody else's, what operators usually read.
    """
    _hook()
    watch = Audit()
    _watching.append(watch)
    try:
        with redirect_stdout(watch.said), redirect_stderr(watch.said), _listening(watch.said, package):
            yield watch
    finally:
        _watching.remove(watch)


@contextmanager
def watching_calls(package: str, *, blocking: bool = False) -> Iterator[list[str]]:
    """Watch what code of a package calls in this thread.

    Args:
        package: the top package.
        blocking: watch for calls that hold up the thread alone, not for all input and output.
    """
    _hook()
    calls = _Calls(package, blocking)
    _calls.append(calls)
    try:
        with patch.object(time, "sleep", _audited_sleep) if sys.version_info < (3, 13) else nullcontext():
            yield calls.found
    finally:
        _calls.remove(calls)


_sleep = time.sleep


def _audited_sleep(seconds: float) -> None:
    """Sleep as Python 3.13 does, which raises this event by itself."""
    sys.audit("time.sleep", seconds)
    _sleep(seconds)


def _hook() -> None:
    if not _hooked:
        # There is no way to remove one again; without a watch it does nothing.
        sys.addaudithook(_take_note)
        _hooked.append(True)


@contextmanager
def _listening(said: io.StringIO, package: str) -> Iterator[None]:
    handler = logging.StreamHandler(said)
    levels = {logging.getLogger(): logging.INFO, logging.getLogger(package): logging.DEBUG}
    before = {logger: logger.level for logger in levels}
    for logger, level in levels.items():
        logger.setLevel(level)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        for logger, level in before.items():
            logger.setLevel(level)


def _take_note(event: str, arguments: tuple[Any, ...]) -> None:
    for calls in tuple(_calls):
        calls.note(event, arguments)
    if not _watching:
        return
    watch = _watching[-1]
    if event in _STARTS:
        watch.started.append(" ".join(map(_text, arguments[1])))
    elif event == "os.system":
        watch.started.append(_text(arguments[0]))
    elif event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
        _note_file(watch, arguments[0])


def _note_file(watch: Audit, path: Any) -> None:
    if isinstance(path, str | bytes | os.PathLike):
        watch.written.add(Path(_text(path)).absolute())


def _text(word: Any) -> str:
    return os.fsdecode(word) if isinstance(word, str | bytes | os.PathLike) else str(word)
