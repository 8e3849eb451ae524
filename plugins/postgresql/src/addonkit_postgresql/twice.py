"""Reads one stream by two readers side by side; the quicker one waits for the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

_WAITING: Final = 8
"""Chunks that wait for the second reader at most."""

Reader = Callable[[AsyncIterator[bytes]], Awaitable[None]]


async def read_twice(content: AsyncIterator[bytes], first: Reader, second: Reader) -> None:
    """Give the same chunks to both readers.

    Raises:
        Exception: what reading the content, the first reader or the second one raised.
    """
    waiting: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
    reading = asyncio.ensure_future(second(_taken(waiting)))
    try:
        await first(_given(content, waiting, reading))
        await _give(waiting, reading, b"")
        await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _given(
    content: AsyncIterator[bytes], waiting: asyncio.Queue[bytes], reading: asyncio.Future[None]
) -> AsyncIterator[bytes]:
    async for chunk in content:
        if chunk:
            await _give(waiting, reading, chunk)
            yield chunk


async def _give(waiting: asyncio.Queue[bytes], reading: asyncio.Future[None], chunk: bytes) -> None:
    """Wait until the second reader has room; one that has ended takes nothing any more."""
    putting = asyncio.ensure_future(waiting.put(chunk))
    try:
        await asyncio.wait((putting, reading), return_when=asyncio.FIRST_COMPLETED)
    finally:
        putting.cancel()


async def _taken(waiting: asyncio.Queue[bytes]) -> AsyncIterator[bytes]:
    while chunk := await waiting.get():
        yield chunk
