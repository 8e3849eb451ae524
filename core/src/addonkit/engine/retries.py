"""Runs one function of a step, with its time limit, again while its failures may pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from addonkit.engine.failure import is_worth_another_try

if TYPE_CHECKING:
    from addonkit.saga.step import Retry

Pause = Callable[[Exception, float], Awaitable[None]]
"""Awaited between two tries with the failure and the seconds to wait; may raise to give up."""


async def attempt(run: Callable[[], Awaitable[Any]], limit: float, retry: Retry, pause: Pause) -> Any:
    """Return the result of `run`, tried as often as `retry` says.

    Args:
        run: makes one try.
        limit: seconds one try may take.
        retry: how often and when to try again after a transient failure.
        pause: waits between tries.

    Raises:
        Exception: the last failure.
    """
    number = 1
    while True:
        try:
            return await _limited(run, limit)
        except Exception as error:
            if number >= retry.attempts or not is_worth_another_try(error):
                raise
            await pause(error, retry.delay(number))
            number += 1


async def _limited(run: Callable[[], Awaitable[Any]], limit: float) -> Any:
    deadline = asyncio.timeout(limit)
    try:
        async with deadline:
            return await run()
    except TimeoutError as error:
        if deadline.expired():
            raise TimeoutError(f"it took too long: more than {limit:g} s") from error
        raise
    except SystemExit as error:
        raise RuntimeError(f"it tried to end the program ({error})") from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # This task was not cancelled: the function let out a cancellation from inside, which is a failure of its own.
        raise RuntimeError("it was cancelled from within") from error
