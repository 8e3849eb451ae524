"""Invokes the functions of steps: by name, within their time limit, again while their failures may pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from addonkit.engine.progress import ProgressReporter
from addonkit.engine.retries import Pause, attempt
from addonkit.models.execution import EventKind

if TYPE_CHECKING:
    from addonkit.engine.arguments import StepArguments
    from addonkit.engine.journal import Journal
    from addonkit.saga.step import Function, Signature, Step


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
        progress = ProgressReporter(lambda texts: self._note(step, texts))

        async def once() -> Any:
            self.tries += 1
            return await function(**await self._arguments.read(takes, progress))

        try:
            return await attempt(once, step.timeout, step.retry, pause)
        finally:
            await progress.close()

    async def _note(self, step: Step, texts: Sequence[str]) -> None:
        await self._journal.note(*(self._journal.event(EventKind.PROGRESS, text, step.name) for text in texts))
