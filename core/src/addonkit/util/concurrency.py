"""Waiting that survives cancellation, and waiting for the first of several."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_AGAIN: Final = 2.0
"""Seconds after which a task that has not ended is cancelled again."""


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Await work to its end however often this task is cancelled meanwhile; the cancellation is raised afterwards."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        raise


async def finish(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function on a thread; when the caller is cancelled, that takes effect after the function has returned."""
    return await uninterrupted(asyncio.to_thread(function, *args, **kwargs))


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, wait until all have ended, and raise what the first of them raised, if one did.

    A library may take a cancellation for a failure of its own, and the task goes on: it is cancelled again.
    """
    left = {*tasks}
    while left:
        for task in left:
            task.cancel()
        _ended, left = await asyncio.wait(left, timeout=_AGAIN)
    for task in tasks:
        if not task.cancelled():
            task.result()


async def first_of(*waits: Awaitable[object]) -> None:
    """Return when the first of them ends, however it ends; the others are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
