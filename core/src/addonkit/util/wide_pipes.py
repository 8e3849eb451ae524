"""Pipes with room for a megabyte, read and written in large pieces: the time of a copy is that of its pieces."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import suppress
from typing import Any, Final

ROOM: Final = 1024 * 1024
"""Bytes that wait in a pipe at most, and that are read at once."""

_SMALL: Final = ROOM // 4
_PAUSE: Final = 0.001
"""Seconds after which a small piece is read together with what came meanwhile: programs write some kilobytes a time."""


def wide_pipe() -> tuple[int, int]:
    """Return the ends to read from and to write to; the caller closes both.

    A user who has too much in pipes already gets one of the usual room.
    """
    reading, writing = os.pipe()
    with suppress(OSError):
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, ROOM)
    return reading, writing


async def read_pieces(file: int) -> AsyncGenerator[bytes, None]:
    """Yield what comes out of a pipe up to its end."""
    os.set_blocking(file, False)
    loop = asyncio.get_running_loop()
    while True:
        piece = _read(file)
        if piece is None:
            await _ready(file, loop.add_reader, loop.remove_reader)
            continue
        if not piece:
            return
        await asyncio.sleep(_PAUSE if len(piece) < _SMALL else 0)  # 0: other tasks have their turn
        if len(piece) < _SMALL:
            piece += _read(file) or b""
        yield piece


async def write_pieces(file: int, content: AsyncIterable[bytes]) -> None:
    """Write content into a pipe.

    Raises:
        BrokenPipeError: when the other end is closed.
        Exception: what `content` raised.
    """
    os.set_blocking(file, False)
    loop = asyncio.get_running_loop()
    async for piece in content:
        left = memoryview(piece)
        while left:
            try:
                left = left[os.write(file, left) :]
            except BlockingIOError:
                await _ready(file, loop.add_writer, loop.remove_writer)


def _read(file: int) -> bytes | None:
    try:
        return os.read(file, ROOM)
    except BlockingIOError:
        return None


async def _ready(file: int, add: Callable[..., Any], remove: Callable[[int], Any]) -> None:
    future = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not future.done():
            future.set_result(None)

    add(file, wake)
    try:
        await future
    finally:
        remove(file)
