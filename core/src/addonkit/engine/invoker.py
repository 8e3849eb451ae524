"""Invokes the functions of steps: by name, within their time limit, again while their failures may pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from addonkit.engine.failure import is_worth_another_try
from addonkit.models.execution import EventKind

if TYPE_CHECKING:
    from addonkit.engine.arguments import Progress, StepArguments
    from addonkit.engine.journal import Journal
    from addonkit.saga.step import Function, Retry, Signature, Step

Pause = Callable[[Exception, float], Awaitable[None]]
"""Awaited between two tries with the failure and the seconds to wait; may raise to give up."""


class StepInvoker:
    """Invokes steps and undos of one execution.

    Attributes:
        tries: how often the last function was called.
    """

    def __init__(self, journal: Journal, arguments: StepArguments) -> None:
        self.tries = 0
        self._journal = journal
        self._arguments = arguments

    async def invoke(self, step: Step, function: Function, takes: Signature, pause: Pause) -> Any:
        """Return the function's result; `pause` waits between tries.

        Raises:
            Exception: the last try's failure.
        """
        self.tries = 0
        if "progress" not in takes.names:
            return await attempt(partial(self._call, function, takes), step.timeout, step.retry, pause)
        from addonkit.engine.progress import ProgressReporter

        progress = ProgressReporter(partial(self._note, step))
        try:
            return await attempt(partial(self._call, function, takes, progress), step.timeout, step.retry, pause)
        finally:
            await progress.close()

    async def _call(self, function: Function, takes: Signature, progress: Progress | None = None) -> Any:
        self.tries += 1
        return await function(**await self._arguments.read(takes, progress))

    async def _note(self, step: Step, texts: Sequence[str]) -> None:
        await self._journal.note(*(self._journal.event(EventKind.PROGRESS, text, step.name) for text in texts))


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
