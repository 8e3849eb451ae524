"""Wakes all tasks that wait for changes of other processes by one timer, for next to nothing while nothing changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary


class PollTimer:
    """Runs on each event loop for as long as a task waits there.

    Args:
        every: seconds between two checks.
        is_due: whether the tasks are to be woken; called often, so it has to be cheap.
    """

    def __init__(self, every: float, is_due: Callable[[], bool]) -> None:
        self._every = every
        self._is_due = is_due
        self._waiting: WeakKeyDictionary[asyncio.AbstractEventLoop, set[asyncio.Event]] = WeakKeyDictionary()
        """The events of each loop on which the timer runs."""

    @contextmanager
    def setting(self, event: asyncio.Event) -> Iterator[None]:
        """Set an event of the running loop when a look is due, while the block lasts."""
        loop = asyncio.get_running_loop()
        if loop not in self._waiting:
            self._waiting[loop] = set()
            self._continue(loop)
        events = self._waiting[loop]
        events.add(event)
        try:
            yield
        finally:
            events.discard(event)

    def _continue(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(self._every, self._check, loop)

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        events = self._waiting[loop]
        if not events:
            del self._waiting[loop]
            return
        if self._is_due():
            for event in events:
                event.set()
        self._continue(loop)
