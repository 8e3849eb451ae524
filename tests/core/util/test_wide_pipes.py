"""All bytes pass a wide pipe, whatever the size of its pieces; an end that is closed or given up leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from addonkit.util.wide_pipes import ROOM, read_pieces, wide_pipe, write_pieces


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = wide_pipe()
    yield reading, writing
    for end in (reading, writing):
        try:
            os.close(end)
        except OSError:
            continue


async def pieces(*sizes: int) -> AsyncIterator[bytes]:
    for number, size in enumerate(sizes):
        yield bytes([number % 251]) * size


@pytest.mark.parametrize("sizes", [(), (0,), (1,), (ROOM, 1, ROOM + 1), (5 * ROOM + 3,), (4096,) * 1000])
async def test_what_is_written_is_read(pipe: tuple[int, int], sizes: tuple[int, ...]) -> None:
    reading, writing = pipe

    async def write() -> None:
        await write_pieces(writing, pieces(*sizes))
        os.close(writing)

    async def read() -> bytes:
        return b"".join([each async for each in read_pieces(reading)])

    found, _ = await asyncio.gather(read(), write())
    assert found == b"".join([each async for each in pieces(*sizes)])


async def test_an_end_that_is_closed_is_told(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        await write_pieces(writing, pieces(10))


async def test_who_waits_can_be_cancelled_and_the_pipe_still_works(pipe: tuple[int, int]) -> None:
    reading, writing = pipe

    async def first() -> bytes:
        async with aclosing(read_pieces(reading)) as found:
            return await anext(found)

    waiting = asyncio.create_task(first())
    filling = asyncio.create_task(write_pieces(writing, pieces()))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, filling, return_exceptions=True)
    assert waiting.cancelled()
    filling = asyncio.create_task(write_pieces(writing, pieces(3 * ROOM)))
    await asyncio.sleep(0.01)
    filling.cancel()
    await asyncio.gather(filling, return_exceptions=True)
    assert await first() == bytes(ROOM)
