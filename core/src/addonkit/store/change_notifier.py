"""Wakes the tasks of this process that watch a store: at its own changes, and to look for those of others."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from addonkit.store.interface import Change, ChangeKind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Sequence


_Listener = tuple[asyncio.AbstractEventLoop, asyncio.Event, frozenset[str]]


class ChangeNotifier:
    """Wakes any number of tasks, on any event loop, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: set[_Listener] = set()

    @contextmanager
    def listen(self, kinds: Collection[str] = ()) -> Iterator[asyncio.Event]:
        """Yield an event of the running loop that is set at each change of these kinds; none named means all."""
        listener = (asyncio.get_running_loop(), asyncio.Event(), frozenset(kinds))
        with self._lock:
            self._listeners.add(listener)
        try:
            yield listener[1]
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def notify(self, kinds: Collection[str] = ()) -> None:
        """Wake the listeners of these kinds; none named means all. May be called from any thread."""
        with self._lock:
            listeners = tuple(self._listeners)
        for loop, event, wanted in listeners:
            if kinds and wanted and wanted.isdisjoint(kinds):
                continue
            with suppress(RuntimeError):  # that loop is closed: no task waits there any more
                loop.call_soon_threadsafe(event.set)


async def follow(
    notifier: ChangeNotifier,
    read: Callable[[int], Awaitable[Sequence[Change]]],
    pause: Callable[[asyncio.Event], Awaitable[object]],
    kinds: Collection[str],
    position: int,
) -> AsyncGenerator[Change, None]:
    """Yield the changes after a position, for good.

    Args:
        notifier: notified after each commit of this process.
        read: the changes after a number, oldest first; not necessarily all of them.
        pause: waits for the event of the notifier, or for another reason to look again.
        kinds: which to yield; empty means all.
        position: number of the last change that is not wanted.
    """
    with notifier.listen(kinds) as changed:
        while True:
            changed.clear()  # before reading: a change while we read is not lost
            changes = await read(position)
            for change in changes:
                position = change.number
                if not kinds or change.kind in kinds or change.what is ChangeKind.MISSED:
                    yield change
            if not changes:
                await pause(changed)


def with_missed(position: int, changes: Sequence[Change]) -> Sequence[Change]:
    """Return the same changes, led by one that says so when some after the position were forgotten."""
    if not changes or changes[0].number == position + 1:
        return changes
    return (Change(changes[0].number - 1, "", "", ChangeKind.MISSED, 0), *changes)


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
