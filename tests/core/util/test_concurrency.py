"""Tasks end when they are to, also those in which a library swallows a cancellation."""

from __future__ import annotations

import asyncio

import pytest

from addonkit.util import concurrency
from addonkit.util.concurrency import end


async def test_a_task_that_swallows_a_cancellation_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "_AGAIN", 0.01)
    swallowed = []

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed.append(1)
                if len(swallowed) == 3:
                    raise

    tasks = [asyncio.create_task(stubborn()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    await end(*tasks)
    assert all(task.cancelled() for task in tasks)


async def test_what_a_task_raised_is_raised() -> None:
    async def failing() -> None:
        raise ValueError("no room")

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    with pytest.raises(ValueError, match="no room"):
        await end(task)
    await end()
