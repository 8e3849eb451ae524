"""Wakes those of this process who watch a store."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from addonkit.store.interface import Change, ChangeKind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Sequence


class ChangeNotifier:
    """Something that one thread rings and any number of tasks, on any event loop, hear."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    @contextmanager
    def listen(self) -> Iterator[asyncio.Event]:
        """An event of the running loop that is set whenever the bell rings."""
        listener = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._listeners.add(listener)
        try:
            yield listener[1]
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def notify(self) -> None:
        """Set the event of every listener. May be called from any thread."""
        with self._lock:
            listeners = tuple(self._listeners)
        for loop, event in listeners:
            with suppress(RuntimeError):  # that loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(event.set)


async def follow(
    bell: ChangeNotifier,
    read: Callable[[int], Awaitable[Sequence[Change]]],
    pause: Callable[[asyncio.Event], Awaitable[object]],
    kinds: Collection[str],
    position: int,
) -> AsyncGenerator[Change, None]:
    """Yield the changes after a position, for good.

    Args:
        bell: rung after each commit of this process.
        read: the changes after a number, oldest first; not necessarily all of them.
        pause: waits for the event of the bell, or for another reason to look again.
        kinds: which to yield; empty means all.
        position: number of the last change that is not wanted.
    """
    with bell.listen() as rung:
        while True:
            rung.clear()  # before reading: a ring while we read is not lost
            changes = await read(position)
            for change in changes:
                position = change.number
                if not kinds or change.kind in kinds or change.what is ChangeKind.MISSED:
                    yield change
            if not changes:
                await pause(rung)


def with_missed(position: int, changes: Sequence[Change]) -> Sequence[Change]:
    """The same changes, led by one that says so when some after the position were forgotten."""
    if not changes or changes[0].number == position + 1:
        return changes
    return (Change(changes[0].number - 1, "", "", ChangeKind.MISSED, 0), *changes)
