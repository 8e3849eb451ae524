"""What this process does while an addon's steps run in it, as the interpreter itself tells it."""

from __future__ import annotations

import io
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final

import attrs

_STARTS: Final = frozenset({"subprocess.Popen", "os.exec", "os.posix_spawn"})
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@attrs.frozen
class Audit:
    """What was seen.

    Attributes:
        started: command lines of programs, also of those that have ended.
        written: files that were opened for writing.
        said: what was logged or printed.
        began: seconds since the epoch, whole, as the clocks of files may be coarse.
    """

    started: list[str] = attrs.field(factory=list)
    written: set[Path] = attrs.field(factory=set)
    said: io.StringIO = attrs.field(factory=io.StringIO)
    began: int = attrs.field(factory=lambda: int(time.time()))


_watching: list[Audit] = []
_hooked: list[bool] = []


@contextmanager
def auditing(package: str) -> Iterator[Audit]:
    """Audit for the length of the block.

    Args:
        package: whose log is read down to its details; of everybody else's, what operators usually read.
    """
    if not _hooked:
        # There is no way to remove one again; without a watch it does nothing.
        sys.addaudithook(_take_note)
        _hooked.append(True)
    watch = Audit()
    _watching.append(watch)
    try:
        with redirect_stdout(watch.said), redirect_stderr(watch.said), _listening(watch.said, package):
            yield watch
    finally:
        _watching.remove(watch)


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
