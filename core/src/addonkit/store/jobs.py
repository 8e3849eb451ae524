"""Work for the store's connection, and the tasks that wait for it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any


class Job:
    """Work for the store's thread, and what became of it.

    Attributes:
        work: what is to be done.
        result: what it answered; `error` what it raised instead.
        future: tells the task that waits.
    """

    def __init__(self, work: Any) -> None:
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()

    def resolve(self) -> None:
        """Tell the task that waits, on its event loop. Does nothing when it was cancelled."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


Group = Callable[[sqlite3.Connection, Sequence[Job], int], None]
"""Does the work of several jobs at once and writes down their outcomes. Raises TooMany if one reads more records."""


def tell(jobs: Sequence[Job]) -> None:
    """Wake the tasks that wait for these jobs; each event loop is woken once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, waiting in by_loop.items():
        if loop is _running_loop():
            _resolve(waiting)
        else:
            with suppress(RuntimeError):  # that loop is closed: no task waits there any more
                loop.call_soon_threadsafe(_resolve, waiting)


def _resolve(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.resolve()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:  # a thread without one
        return None
