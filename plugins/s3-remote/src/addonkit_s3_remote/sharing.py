"""Lends what takes long to make, as a client with open connections, again and again for a while.

It belongs to the event loop in which it was made, and is closed with it: `asyncio.run` closes the asynchronous
generators that began there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

import attrs

LONGEST: Final = 60.0
"""Seconds for which it is lent, from when it was made: it does not know what has changed since."""

T = TypeVar("T")


@asynccontextmanager
async def shared(key: Hashable, make: Callable[[], AbstractAsyncContextManager[T]]) -> AsyncIterator[T]:
    """Lend what was made under this key less than LONGEST seconds ago, to several at once; else make it."""
    loop = asyncio.get_running_loop()
    if loop not in _lenders:
        _lenders[loop] = _Lender()
        await anext(_lenders[loop].closed_with_the_loop)
    lender = _lenders[loop]
    entry = await lender.take(key, make)
    try:
        yield entry.value
    finally:
        await lender.give_back(key, entry)


@attrs.define(eq=False)
class _Entry:
    """A thing that is lent.

    Attributes:
        value: itself.
        until: time of the loop from which it is lent no more.
        closing: what closes it.
        users: how many have it now.
    """

    value: Any
    until: float
    closing: AsyncExitStack
    users: int = 0


class _Lender:
    """Lends in one event loop."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, _Entry] = {}
        self._making = asyncio.Lock()
        self.closed_with_the_loop = self._close_at_the_end()

    async def take(self, key: Hashable, make: Callable[[], AbstractAsyncContextManager[Any]]) -> _Entry:
        """Lend what is there, or make it."""
        now = asyncio.get_running_loop().time()
        async with self._making:
            await self._close_old(now)
            if key not in self._entries:
                closing = AsyncExitStack()
                value = await closing.enter_async_context(make())
                self._entries[key] = _Entry(value, now + LONGEST, closing)
            entry = self._entries[key]
            entry.users += 1
        return entry

    async def give_back(self, key: Hashable, entry: _Entry) -> None:
        """Close what is lent no more, after its last user."""
        entry.users -= 1
        if not entry.users and self._entries.get(key) is not entry:
            await entry.closing.aclose()

    async def _close_old(self, now: float) -> None:
        for key, entry in [(key, entry) for key, entry in self._entries.items() if entry.until <= now]:
            del self._entries[key]
            if not entry.users:
                await entry.closing.aclose()

    async def _close_at_the_end(self) -> AsyncGenerator[None, None]:
        loop = asyncio.get_running_loop()
        try:
            yield
        finally:
            del _lenders[loop]
            for each in self._entries.values():
                await each.closing.aclose()


_lenders: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lender] = WeakKeyDictionary()
