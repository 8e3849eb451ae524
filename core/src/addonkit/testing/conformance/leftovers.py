"""Processes that an addon starts by itself, past the framework: found by what they inherit."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psutil

from addonkit.models.identifiers import new_id

_MARK: Final = "CONFORMANCE_OF_ADDON"
"""Variable of the environment that every process of a check inherits; not one of addonkit's own settings, which
the command line of the kit does not pass on."""


@contextmanager
def marked() -> Iterator[str]:
    """Mark this process and all that it starts; processes left at the end of the block are killed."""
    before = os.environ.get(_MARK)
    mark = os.environ[_MARK] = new_id()
    try:
        yield mark
    finally:
        for process in processes_of(mark):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        del os.environ[_MARK]
        if before is not None:
            os.environ[_MARK] = before


def processes_of(mark: str) -> tuple[psutil.Process, ...]:
    """Processes that were started since then and still run, this one left out."""
    found = psutil.process_iter(["pid", "environ", "status"])
    return tuple(each for each in found if each.pid != os.getpid() and _inherits(each, mark))


def _inherits(process: psutil.Process, mark: str) -> bool:
    environ = process.info["environ"] or {}
    return environ.get(_MARK) == mark and process.info["status"] != psutil.STATUS_ZOMBIE
