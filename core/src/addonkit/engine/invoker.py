"""Calls the functions of steps: by name, within their time, again while their failures may pass."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from addonkit.engine.arguments import arguments
from addonkit.engine.progress import ProgressReporter
from addonkit.engine.retries import Pause, attempt
from addonkit.models.execution import EventKind

if TYPE_CHECKING:
    from addonkit.engine.journal import Journal
    from addonkit.saga.saga import Saga
    from addonkit.saga.step import Function, Signature, Step

Own = Callable[[Callable[[str], None]], Awaitable[Mapping[str, Any]]]
"""Gives the engine's own arguments afresh; takes the function that shows progress."""


class StepInvoker:
    """Calls steps and undos of one execution.

    Attributes:
        tries: how often the last function was called.
    """

    def __init__(self, saga: Saga[Any], journal: Journal, own: Own) -> None:
        self.tries = 0
        self._saga = saga
        self._journal = journal
        self._own = own

    async def call(self, step: Step, function: Function, takes: Signature, pause: Pause) -> Any:
        """The function's result; `pause` waits between tries.

        Raises:
            Exception: whatever the last try raised.
        """
        self.tries = 0
        notes = ProgressReporter(lambda texts: self._note(step, texts))

        async def once() -> Any:
            self.tries += 1
            given = arguments(self._saga, self._journal.execution, takes, await self._own(notes))
            self._journal.hide(given)
            return await function(**given)

        try:
            return await attempt(once, step.timeout, step.retry, pause)
        finally:
            await notes.close()

    async def _note(self, step: Step, texts: Sequence[str]) -> None:
        await self._journal.note(*(self._journal.event(EventKind.PROGRESS, text, step.name) for text in texts))
