"""Undoes one execution, last step first, in rounds until nothing is left or an operator must decide."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.engine.failpoints import failpoint
from addonkit.engine.journal import Journal, record_of
from addonkit.models.execution import EventKind, Execution, ExecutionStatus, StepStatus
from addonkit.saga.step import Retry

if TYPE_CHECKING:
    from addonkit.engine.invoker import StepInvoker
    from addonkit.saga.saga import Saga
    from addonkit.saga.step import Function, Step
    from addonkit.util.clock import Clock

ROUNDS: Final = Retry(attempts=5, first_delay=1.0, factor=2.0, longest_delay=60.0)
"""Rounds that may leave something undone before the execution is blocked, and the delays between them."""


class Compensation:
    """The way back of one execution."""

    def __init__(self, saga: Saga[object], journal: Journal, clock: Clock, invoker: StepInvoker) -> None:
        self._saga = saga
        self._journal = journal
        self._clock = clock
        self._invoker = invoker

    async def run(self) -> None:
        """Undo everything; afterwards the execution is failed, or blocked."""
        while self._journal.execution.status is ExecutionStatus.UNDOING:
            await self._wait_for_round()
            for step in reversed(self._saga.steps):
                await self._undo(step)
            await self._end_round()

    async def _wait_for_round(self) -> None:
        due = self._journal.execution.undo_at
        if due is not None:
            await self._clock.sleep(max(0.0, (due - self._clock.now()).total_seconds()))

    async def _undo(self, step: Step) -> None:
        """Undo one step; its failure is journaled and does not stop the others."""
        if record_of(self._journal.execution, step.name).status in {StepStatus.PENDING, StepStatus.UNDONE}:
            return
        if step.undo_function is None:
            await self._journal.write_step(step.name, status=StepStatus.UNDONE)
            return
        try:
            await self._call(step, step.undo_function)
        except Exception as error:  # noqa: BLE001 - whatever an undo raises is its failure
            await self._record(step, EventKind.UNDO_FAILED, self._journal.describe(error))
        else:
            await self._record(step, EventKind.UNDONE)

    async def _call(self, step: Step, function: Function) -> None:
        await self._invoker.invoke(step, function, step.undo_takes, partial(self._pause, step))
        await failpoint(f"undo:{step.name}")

    async def _pause(self, step: Step, error: Exception, delay: float) -> None:
        text = f"{step.title}: undoing again in {delay:g} s ({self._journal.describe(error)})"
        await self._journal.note(self._journal.event(EventKind.RETRYING, text, step.name))
        await self._clock.sleep(delay)

    async def _record(self, step: Step, kind: EventKind, reason: str = "") -> None:
        tries = record_of(self._journal.execution, step.name).undo_attempts + self._invoker.tries
        if kind is EventKind.UNDONE:
            execution = self._journal.execution
            error = execution.error if step.name == execution.failed_step else ""
            event = self._journal.event(kind, f"{step.title}: undone", step.name)
            await self._journal.write_step(step.name, event, status=StepStatus.UNDONE, undo_attempts=tries, error=error)
            return
        event = self._journal.event(kind, f"{step.title}: undoing failed ({reason})", step.name)
        await self._journal.write_step(step.name, event, undo_attempts=tries, error=reason)

    async def _end_round(self) -> None:
        execution = self._journal.execution
        left = execution.uncompensated
        if not left:
            event = self._journal.event(EventKind.ROLLED_BACK, f"{execution.saga}: everything is undone")
            await self._journal.finish(ExecutionStatus.FAILED, event)
            return
        rounds = execution.undo_rounds + 1
        if rounds < ROUNDS.attempts:
            due = self._clock.now() + timedelta(seconds=ROUNDS.delay(rounds))
            await self._journal.write(lambda now: attrs.evolve(now, undo_rounds=rounds, undo_at=due))
            return
        text = f"{execution.saga}: blocked, step {left[-1].name} cannot be undone ({left[-1].error})"
        event = self._journal.event(EventKind.BLOCKED, text)
        await self._journal.write(lambda now: _blocked(now, rounds), event)


def _blocked(now: Execution, rounds: int) -> Execution:
    return attrs.evolve(now, status=ExecutionStatus.BLOCKED, undo_rounds=rounds, undo_at=None)
