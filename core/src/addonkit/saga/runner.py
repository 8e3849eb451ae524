"""Runs the steps of one execution forward, and its undos backward. Holds the lease all the time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit.errors import AddonkitError, LeaseLost, SagaFailed
from addonkit.models.execution import EventKind, Execution, ExecutionStatus, StepRecord, StepStatus
from addonkit.saga.arguments import arguments, contribution
from addonkit.saga.attempts import attempt
from addonkit.saga.failure import describe, is_transient
from addonkit.saga.faults import fault_point
from addonkit.saga.journal import Journal, record_of

if TYPE_CHECKING:
    from addonkit.clock import Clock
    from addonkit.saga.definition import Saga, Signature, Step

UNDO_ROUNDS: Final = 5
"""Rounds of undoing that may leave something undone before an operator is asked."""

_FIRST_ROUND_DELAY: Final = timedelta(seconds=1)

Own = Callable[[Callable[[str], None]], Awaitable[Mapping[str, Any]]]
"""Gives the engine's own arguments afresh; takes the function that shows progress."""


class CancelRequested(AddonkitError):
    """Somebody asked that the execution stops and is undone."""


class Runner:
    """One execution in the hands of one process."""

    def __init__(self, saga: Saga[Any], journal: Journal, clock: Clock, own: Own, *, changed: bool = False) -> None:
        self._saga = saga
        self._journal = journal
        self._clock = clock
        self._own = own
        self._changed = changed
        self._notes: set[asyncio.Task[None]] = set()

    async def run(self) -> Execution:
        """Take the execution to an end: completed, failed (all undone) or blocked."""
        await self._adopt_shape()
        if self._journal.execution.status is ExecutionStatus.RUNNING:
            await self._forward()
        while self._journal.execution.status is ExecutionStatus.UNDOING:
            await self._backward()
        return self._journal.execution

    async def undo(self) -> Execution:
        """Undo the execution, whatever its state, as far as one series of rounds gets."""
        await self._adopt_shape()
        execution = self._journal.execution
        if execution.status in {ExecutionStatus.RUNNING, ExecutionStatus.COMPLETED, ExecutionStatus.BLOCKED}:
            error = execution.error or "undone on request"
            await self._journal.write(
                lambda now: attrs.evolve(now, status=ExecutionStatus.UNDOING, error=error, undo_rounds=0, undo_at=None)
            )
        return await self.run()

    async def _adopt_shape(self) -> None:
        """Record the steps of the version that goes on, when it is another one than began."""
        if self._changed:
            fitting = self._journal.execution
            await self._journal.write(lambda now: attrs.evolve(now, version=fitting.version, steps=fitting.steps))
            self._changed = False

    async def _forward(self) -> None:
        for step in self._saga.steps:
            if record_of(self._journal.execution, step.name).status is StepStatus.DONE:
                continue
            try:
                await self._run_step(step)
            except LeaseLost:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a step raises is its failure
                await self._fail(step, error)
                return
        event = self._journal.event(EventKind.COMPLETED, f"{self._saga.name} is done")
        await self._journal.finish(ExecutionStatus.COMPLETED, event)

    async def _run_step(self, step: Step) -> None:
        await fault_point(f"before:{step.name}")
        self._check_cancel()
        record = record_of(self._journal.execution, step.name)
        started = self._journal.event(EventKind.STARTED, step.title, step.name)
        await self._journal.write_step(
            step.name, started, status=StepStatus.STARTED, attempts=record.attempts + 1, error=""
        )
        self._check_cancel()
        result = await self._attempt(step, step.run, step.takes)
        output = contribution(step, result)
        await fault_point(f"after:{step.name}")
        done = self._journal.event(EventKind.DONE, step.title, step.name)
        await self._journal.write_step(step.name, done, status=StepStatus.DONE, output=output)
        await fault_point(f"journal:{step.name}")

    async def _attempt(self, step: Step, function: Any, takes: Signature, *, undoing: bool = False) -> Any:
        async def once() -> Any:
            own = await self._own(lambda text: self._progress(step, text))
            return await function(**arguments(self._saga, self._journal.execution, takes, own))

        async def told(error: BaseException, delay: float) -> None:
            text = f"{step.title}: trying again in {delay:g} s ({self._describe(error)})"
            await self._journal.note(self._journal.event(EventKind.RETRYING, text, step.name))
            if not undoing:
                self._check_cancel()

        try:
            return await attempt(once, step.timeout, step.retry, self._clock, told)
        finally:
            if self._notes:
                await asyncio.gather(*self._notes, return_exceptions=True)

    def _progress(self, step: Step, text: str) -> None:
        event = self._journal.event(EventKind.PROGRESS, text, step.name)
        task = asyncio.get_running_loop().create_task(self._journal.note(event))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    def _check_cancel(self) -> None:
        if self._journal.execution.cancel:
            raise CancelRequested(f"running {self._saga.name}", "it was asked to stop")

    async def _fail(self, step: Step, error: Exception) -> None:
        reason = self._describe(error)
        event = self._journal.event(EventKind.FAILED, f"{step.title}: {reason}", step.name)
        nested = isinstance(error, SagaFailed) and bool(error.details.get("transient"))
        transient = nested or is_transient(error)

        def change(now: Execution) -> Execution:
            failed = StepStatus.FAILED if record_of(now, step.name).status is StepStatus.STARTED else None
            steps = tuple(
                attrs.evolve(r, status=failed or r.status, error=reason) if r.name == step.name else r
                for r in now.steps
            )
            return attrs.evolve(now, status=ExecutionStatus.UNDOING, error=reason, transient=transient, steps=steps)

        await self._journal.write(change, event)

    async def _backward(self) -> None:
        await self._wait_for_round()
        left = 0
        for step in reversed(self._saga.steps):
            if _needs_undo(record_of(self._journal.execution, step.name)):
                left += not await self._undo_step(step)
        if left:
            await self._end_round()
            return
        event = self._journal.event(EventKind.ROLLED_BACK, f"{self._saga.name} is undone")
        await self._journal.finish(ExecutionStatus.FAILED, event)

    async def _wait_for_round(self) -> None:
        due = self._journal.execution.undo_at
        if due is not None:
            await self._clock.sleep(max(0.0, (due - self._clock.now()).total_seconds()))

    async def _undo_step(self, step: Step) -> bool:
        """Whether the step is undone now; a failure is journaled and does not stop the others."""
        record = record_of(self._journal.execution, step.name)
        if step.undo_function is not None:
            try:
                await self._attempt(step, step.undo_function, step.undo_takes, undoing=True)
            except LeaseLost:
                raise
            except Exception as error:  # noqa: BLE001 - whatever an undo raises is its failure
                reason = self._describe(error)
                event = self._journal.event(EventKind.UNDO_FAILED, f"undoing {step.title}: {reason}", step.name)
                await self._journal.write_step(
                    step.name, event, undo_attempts=record.undo_attempts + 1, error=f"undo: {reason}"
                )
                return False
            await fault_point(f"undo:{step.name}")
        events = []
        if step.undo_function is not None:
            events.append(self._journal.event(EventKind.UNDONE, f"undone: {step.title}", step.name))
        await self._journal.write_step(
            step.name, *events, status=StepStatus.UNDONE, undo_attempts=record.undo_attempts + 1
        )
        return True

    async def _end_round(self) -> None:
        rounds = self._journal.execution.undo_rounds + 1
        if rounds < UNDO_ROUNDS:
            due = self._clock.now() + _FIRST_ROUND_DELAY * 2 ** (rounds - 1)
            await self._journal.write(lambda now: attrs.evolve(now, undo_rounds=rounds, undo_at=due))
            return
        stuck = [r for r in self._journal.execution.steps if _needs_undo(r)]
        text = f"{stuck[0].name} cannot be undone ({stuck[0].error})"
        event = self._journal.event(EventKind.BLOCKED, text, stuck[0].name)
        await self._journal.write(
            lambda now: attrs.evolve(now, status=ExecutionStatus.BLOCKED, undo_rounds=rounds, undo_at=None), event
        )

    def _describe(self, error: BaseException) -> str:
        execution = self._journal.execution
        return describe(error, execution.inputs, [record.output for record in execution.steps])


def _needs_undo(record: StepRecord) -> bool:
    return record.status in {StepStatus.STARTED, StepStatus.DONE, StepStatus.FAILED}
