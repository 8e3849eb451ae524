"""Invokes the functions of steps: by name, within their time limit, again while their failures may pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from addonkit.engine.arguments import arguments
from addonkit.engine.failure import is_worth_another_try
from addonkit.errors import AddonkitError
from addonkit.models.execution import EventKind
from addonkit.saga.step import ENGINE_NAMES

if TYPE_CHECKING:
    from addonkit.engine.journal import Journal
    from addonkit.saga.protocol import Sagas
    from addonkit.saga.saga import Saga
    from addonkit.saga.step import Function, Signature, Step

Resources = Callable[[Mapping[str, str], Collection[str]], Awaitable[Mapping[str, Any]]]
"""Reads those of the engine's own arguments that are asked for, for an execution's subject: see step.ENGINE_NAMES."""

Pause = Callable[[Exception, float], Awaitable[None]]
"""Awaited between two tries with the failure and the seconds to wait; may raise to give up."""


class StepInvoker:
    """Invokes steps and undos of one execution.

    Args:
        saga: what the execution runs.
        journal: of the execution.
        resources: see Resources.
        sagas: what steps receive as `sagas`.

    Attributes:
        tries: how often the last function was called.
    """

    def __init__(self, saga: Saga[Any], journal: Journal, resources: Resources, sagas: Sagas) -> None:
        self.tries = 0
        self._saga = saga
        self._journal = journal
        self._resources = resources
        self._sagas = sagas

    async def invoke(self, step: Step, function: Function, takes: Signature, pause: Pause) -> Any:
        """Return the function's result, tried as often as the step's `retry` says.

        Args:
            step: says how often and when to try again after a transient failure, and how long one try may take.
            function: the step's, or its undo.
            takes: names of the arguments.
            pause: waits between tries.

        Raises:
            Exception: the last try's failure.
        """
        self.tries = 0
        progress = ProgressReporter(partial(self._note, step)) if "progress" in takes.names else None
        try:
            while True:
                self.tries += 1
                try:
                    return await self._call(function, takes, progress, step.timeout)
                except Exception as error:
                    if self.tries >= step.retry.attempts or not is_worth_another_try(error):
                        raise
                    await pause(error, step.retry.delay(self.tries))
        finally:
            if progress is not None:
                await progress.close()

    async def _call(self, function: Function, takes: Signature, progress: ProgressReporter | None, limit: float) -> Any:
        """Call the function once, for at most `limit` seconds; whatever it lets out is a failure of its own."""
        deadline = asyncio.timeout(limit)
        try:
            async with deadline:
                return await function(**await self._arguments(takes, progress))
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
            # This task was not cancelled: the function let out a cancellation from inside.
            raise RuntimeError("it was cancelled from within") from error

    async def _arguments(self, takes: Signature, progress: ProgressReporter | None) -> dict[str, Any]:
        """Return the arguments, read afresh; their secrets are kept out of events from now on."""
        execution = self._journal.execution
        names = ENGINE_NAMES.intersection(takes.names)
        own = await self._resources(execution.subject, names) if names else {}
        given = arguments(self._saga, execution, takes, {**own, "sagas": self._sagas, "progress": progress})
        self._journal.hide(given)
        return given

    async def _note(self, step: Step, texts: Sequence[str]) -> None:
        await self._journal.note(*(self._journal.event(EventKind.PROGRESS, text, step.name) for text in texts))


class ProgressReporter:
    """Takes sentences at any time, from any thread, and journals them in order without keeping the step waiting.

    Args:
        write: journals sentences. What it cannot journal is dropped: no step fails for a remark.
    """

    def __init__(self, write: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        self._write = write
        self._texts: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def __call__(self, text: str) -> None:
        """Show a sentence. After the step has ended nothing happens."""
        if not self._closed:
            self._texts.append(str(text))
            self._loop.call_soon_threadsafe(self._wake)

    async def close(self) -> None:
        """Return when everything is journaled; nothing is taken any more."""
        self._closed = True
        self._wake()
        if self._task is not None:
            await self._task

    def _wake(self) -> None:
        if self._texts and (self._task is None or self._task.done()):
            self._task = self._loop.create_task(self._flush())

    async def _flush(self) -> None:
        while self._texts:
            texts, self._texts = self._texts, []
            try:
                await self._write(texts)
            except AddonkitError:
                return
