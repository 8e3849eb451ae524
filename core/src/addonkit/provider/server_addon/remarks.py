"""Remarks of a step about how far it is, from time to time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import Final

from addonkit.provider.server_addon.declaration import Progress

_INTERVAL: Final = 2.0
"""Seconds between two remarks."""


@asynccontextmanager
async def remarks(
    progress: Progress, text: Callable[[], str | Awaitable[str]], *, at_end: bool = True
) -> AsyncIterator[None]:
    """Show a text every two seconds of a block.

    Args:
        progress: of the step.
        text: returns how far it is, or finds it out.
        at_end: show it when the block has succeeded, too, however short that was.
    """

    async def remark() -> None:
        found = text()
        progress(await found if isawaitable(found) else found)

    async def repeat() -> None:
        while True:
            await asyncio.sleep(_INTERVAL)
            await remark()

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
    if at_end:
        await remark()
