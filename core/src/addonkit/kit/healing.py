"""Starts servers that should run while a command does its work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

HEAD_START: Final = 3.0
"""Seconds that a command waits for servers to be started before it does its own work."""


@asynccontextmanager
async def healing(heal: Callable[[], Awaitable[object]] | None) -> AsyncIterator[None]:
    """Heal for the length of the block, beside what it does. What cannot be healed is no failure of the block.

    Args:
        heal: starts what should run; None for nothing.
    """
    if heal is None:
        yield
        return
    work = asyncio.ensure_future(heal())
    try:
        await asyncio.wait({work}, timeout=HEAD_START)
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
