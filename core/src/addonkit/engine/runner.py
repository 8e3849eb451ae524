"""Runs the steps of one execution, and undoes them when one fails. Its process holds the lease all the time."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from addonkit.engine.arguments import contribution, result_of
from addonkit.engine.cancellation import Stopped, StopSignal
from addonkit.engine.compensation import Compensation
from addonkit.engine.failpoints import failpoint
from addonkit.engine.failure import did_nothing, is_transient
from addonkit.engine.journal import Journal, StepEnd, record_of, with_step
from addonkit.models.execution import EventKind, Execution, ExecutionStatus, StepStatus

if TYPE_CHECKING:
    from addonkit.engine.invoker import StepInvoker
    from addonkit.saga.saga import Saga
    from addonkit.saga.step import Step
    from addonkit.store.interface import Transaction
    from addonkit.util.clock import Clock

Conclusion = Callable[["Transaction", Any], object]
"""What else is written with the end of an execution, of its result."""

STOPPED = "it was asked to stop"


class Runner:
    """One execution in the hands of one process.

    Args:
        saga: what it runs.
        journal: of the execution.
        clock: waits for retries.
        invoker: calls the functions of steps.
        stop: says when it was asked to stop.
        begun: name of the step whose start was journaled when the execution was made, just now; empty without one.
        conclude: called with the result in the transaction that journals that the execution is completed.

    Attributes:
        cause: what the step raised that made the execution fail, when it failed here and now.
    """

    def __init__(
        self,
        saga: Saga[Any],
        journal: Journal,
        clock: Clock,
        invoker: StepInvoker,
        stop: StopSignal,
        begun: str = "",
        conclude: Conclusion | None = None,
    ) -> None:
        self.cause: Exception | None = None
        self._effectless = False
        self._saga = saga
        self._journal = journal
        self._clock = clock
        self._invoker = invoker
        self._stop_signal = stop
        self._begun = begun
        self._conclude = conclude
        self._unwritten: list[StepEnd] = []

    @property
    def hidden(self) -> Collection[str]:
        """Texts that no error may show."""
        return self._journal.hidden

    async def run(self) -> Execution:
        """Take the execution to an end: completed, failed (all undone) or blocked."""
        if self._journal.execution.status is ExecutionStatus.RUNNING:
            await self._forward()
        await Compensation(self._saga, self._journal, self._clock, self._invoker).run()
        return self._journal.execution

    async def undo(self) -> Execution:
        """Undo the execution, whatever its state, as far as one series of rounds gets."""
        if self._journal.execution.status is not ExecutionStatus.UNDOING:
            await self._journal.write(_turned_back)
        return await self.run()

    async def _forward(self) -> None:
        """Run the steps that are not done. The end of one and the start of the next are one journal entry.

        A step without an effect has no entry of its own.
        """
        ended: StepEnd | None = None
        for step in self._saga.steps:
            if record_of(self._journal.execution, step.name).status is StepStatus.DONE:
                continue
            if self._journal.execution.cancel:
                break
            before = await self._begin(ended, step)
            ended = None
            if self._journal.execution.cancel:
                break
            ended = await self._run_step(step, before)
            if ended is None:
                return
        await self._journal.complete(ended, self._concluded)
        await self._passed(ended)
        if self._journal.execution.status is ExecutionStatus.RUNNING:
            await self._stop()

    def _concluded(self, tx: Transaction, completed: Execution) -> None:
        if self._conclude is not None:
            self._conclude(tx, result_of(self._saga, completed))

    async def _begin(self, ended: StepEnd | None, step: Step) -> int:
        """Journal that a step begins and the former one has ended; returns runs of it that were begun before."""
        attempts = record_of(self._journal.execution, step.name).attempts
        if step.name == self._begun:
            self._begun = ""
            return attempts - 1
        if not step.effect:
            self._journal.stage(ended, step)
            self._unwritten += [ended] if ended else []
            return attempts
        await self._journal.advance(ended, step)
        await self._passed(ended)
        return attempts

    async def _passed(self, ended: StepEnd | None) -> None:
        """Pass the fault points of the steps whose end has just been journaled."""
        journaled = [*self._unwritten, *([ended] if ended else [])]
        self._unwritten = []
        for each in journaled:
            await failpoint(f"journal:{each.step.name}")

    async def _run_step(self, step: Step, before: int) -> StepEnd | None:
        """Run one step that was journaled as started; None when it failed or was stopped, which is journaled then.

        Args:
            step: to run.
            before: runs of it that earlier processes began.
        """
        # A try that was interrupted may have had an effect.
        self._effectless = before == 0
        try:
            output = await self._stop_signal.run(self._output(step))
        except Stopped:  # as if it had failed half-way: it is undone without its output
            await self._journal.refresh()
            await self._stop()
            return None
        except Exception as error:  # noqa: BLE001 - whatever a step raises is its failure
            await self._fail(step, error, before + self._invoker.tries)
            return None
        return StepEnd(step, output, before + self._invoker.tries)

    async def _output(self, step: Step) -> dict[str, Any]:
        self._invoker.tries = 0
        await failpoint(f"before:{step.name}")
        result = await self._invoker.invoke(step, step.run, step.takes, partial(self._pause, step))
        self._journal.hide(result)
        await failpoint(f"after:{step.name}")
        return contribution(step, result)

    async def _pause(self, step: Step, error: Exception, delay: float) -> None:
        self._effectless = self._effectless and did_nothing(error)
        reason = self._journal.describe(error)
        event = self._journal.event(
            EventKind.RETRYING, f"{step.title}: trying again in {delay:g} s ({reason})", step.name
        )
        await self._journal.write_step(step.name, event, error=reason)
        await self._clock.sleep(delay)

    async def _fail(self, step: Step, error: Exception, tries: int) -> None:
        self.cause = error
        nothing = self._effectless and did_nothing(error)
        status = StepStatus.UNDONE if nothing else StepStatus.FAILED
        reason = self._journal.describe(error)
        event = self._journal.event(EventKind.FAILED, f"{step.title}: failed ({reason})", step.name)

        def change(now: Execution) -> Execution:
            failed = with_step(now, step.name, status=status, error=reason, attempts=max(tries, 1))
            return attrs.evolve(
                failed,
                status=ExecutionStatus.UNDOING,
                error=reason,
                failed_step=step.name,
                transient=is_transient(error),
            )

        await self._journal.write(change, event)

    async def _stop(self) -> None:
        event = self._journal.event(EventKind.FAILED, f"{self._saga.name}: {STOPPED}")
        await self._journal.write(lambda now: attrs.evolve(now, status=ExecutionStatus.UNDOING, error=STOPPED), event)


def _turned_back(now: Execution) -> Execution:
    """From running, completed or blocked to undoing."""
    error = now.error or (STOPPED if now.status is ExecutionStatus.RUNNING else "undone on request")
    return attrs.evolve(now, status=ExecutionStatus.UNDOING, error=error, finished=None, undo_rounds=0, undo_at=None)
