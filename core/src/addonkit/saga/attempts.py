"""Runs one function of a step, with its time limit, again while its failures may pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from addonkit.saga.failure import is_transient

if TYPE_CHECKING:
    from addonkit.clock import Clock
    from addonkit.saga.definition import Retry

Told = Callable[[BaseException, float], Awaitable[None]]


async def attempt(run: Callable[[], Awaitable[Any]], limit: float, retry: Retry, clock: Clock, told: Told) -> Any:
    """The result of `run`, tried as often as `retry` says.

    Args:
        run: makes one try.
        limit: seconds one try may take.
        retry: how often and when to try again after a transient failure.
        clock: waits between tries.
        told: awaited before each wait with the failure and the seconds; may raise to give up.

    Raises:
        Exception: the last failure.
    """
    number = 1
    while True:
        try:
            async with asyncio.timeout(limit):
                return await run()
        except Exception as error:
            if number >= retry.attempts or not is_transient(error):
                raise
            delay = retry.delay(number)
            await told(error, delay)
            await clock.sleep(delay)
            number += 1
