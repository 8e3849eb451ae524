"""The journal of executions: every entry is one transaction, and only the holder of the lease writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from addonkit.engine.events import EventPublisher, with_events
from addonkit.engine.failure import describe, scrub, secrets_in
from addonkit.errors import LeaseLost, RevisionConflict
from addonkit.models.execution import Event, EventKind, Execution, ExecutionStatus, StepRecord, StepStatus
from addonkit.saga.step import Step
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from datetime import datetime

    from addonkit.store.interface import Entity, Store, Transaction
    from addonkit.store.leases import LeaseHandle
    from addonkit.util.clock import Clock


@frozen
class StepEnd:
    """The end of a step that was done.

    Attributes:
        step: which.
        output: what it contributes, as trees.
        attempts: runs of it so far, in all processes.
    """

    step: Step
    output: Mapping[str, Any]
    attempts: int


class Journal:
    """Reads and writes one execution for the holder of its lease.

    Attributes:
        hidden: texts that appear in no event and no recorded error.
    """

    def __init__(
        self, store: Store, clock: Clock, publisher: EventPublisher, held: LeaseHandle, entity: Entity[Execution]
    ) -> None:
        execution = entity.value
        self.hidden = secrets_in([execution.inputs, execution.steps])
        self._store = store
        self._clock = clock
        self._publisher = publisher
        self._held = held
        self._entity = entity
        self._staged: list[Callable[[Execution], Execution]] = []

    @property
    def execution(self) -> Execution:
        """As last written or read, with what is staged."""
        return self._entity.value

    def stage(self, ended: StepEnd | None, begins: Step) -> None:
        """Take note that a step has ended and one without an effect begins; the next entry writes it."""
        at = self._clock.now()

        def change(now: Execution) -> Execution:
            return with_start(self._with_end(now, ended), begins, at, self.hidden)

        self._staged.append(change)
        self._entity = attrs.evolve(self._entity, value=change(self.execution))

    async def write(self, change: Callable[[Execution], Execution], *events: Event) -> Execution:
        """Change the execution and append events in one transaction, then publish the events.

        Args:
            change: from the execution as it is now, which may have been asked to stop since it was last read.
            events: made with `event`.

        Raises:
            LeaseLost: another process has taken over; nothing was written.
        """
        return await self._revise(lambda now: with_events(change(now), *events))

    async def advance(self, ended: StepEnd | None, begins: Step) -> Execution:
        """Record in one transaction that a step has ended and the next one begins, unless it was asked to stop.

        Raises:
            LeaseLost: see write.
        """

        def revise(now: Execution) -> Execution:
            now = self._with_end(now, ended)
            return now if now.cancel else with_start(now, begins, self._clock.now(), self.hidden)

        return await self._revise(revise)

    async def complete(self, ended: StepEnd | None, conclude: Callable[[Transaction, Execution], object]) -> Execution:
        """Record in one transaction that the last step and the execution have ended, unless it was asked to stop.

        The lease of a completed execution is given back in the same transaction, in which `conclude` is called too.

        Raises:
            LeaseLost: see write.
        """

        def revise(now: Execution) -> Execution:
            now = self._with_end(now, ended)
            if now.cancel:
                return now
            done = self.event(EventKind.COMPLETED, f"{now.saga}: done")
            return with_events(now, done, status=ExecutionStatus.COMPLETED, finished=self._clock.now())

        return await self._revise(revise, last=conclude)

    async def write_step(self, name: str, *events: Event, **fields: Any) -> Execution:
        """Change the record of one step; see write."""
        return await self.write(lambda now: with_step(now, name, **fields), *events)

    async def note(self, *events: Event) -> None:
        """Append events."""
        await self.write(lambda now: now, *events)

    async def finish(self, status: ExecutionStatus, event: Event) -> Execution:
        """Record how the execution ended; see write."""
        return await self.write(lambda now: attrs.evolve(now, status=status, finished=self._clock.now()), event)

    async def refresh(self) -> Execution:
        """Read the execution again; what is staged stays so."""
        self._entity = await self._store.transact(self._get)
        return self.execution

    def event(self, kind: EventKind, message: str, step: str = "") -> Event:
        """Return an event of this execution, now; what is hidden is taken out of its message."""
        return _event_of(self.execution, kind, message, self._clock.now(), self.hidden, step)

    def hide(self, *values: Any) -> None:
        """Keep the secrets of these values out of events and errors from now on."""
        self.hidden |= secrets_in(values)

    def describe(self, error: BaseException) -> str:
        """Return one line about an error; see failure.describe."""
        return describe(error, self.hidden)

    def _with_end(self, now: Execution, ended: StepEnd | None) -> Execution:
        if ended is None:
            return now
        name = ended.step.name
        event = self.event(EventKind.DONE, ended.step.title, name)
        done = {"status": StepStatus.DONE, "output": ended.output, "attempts": ended.attempts, "error": ""}
        return with_events(now, event, steps=steps_with(now, name, **done))

    async def _revise(
        self,
        revise: Callable[[Execution], Execution],
        *,
        last: Callable[[Transaction, Execution], object] | None = None,
    ) -> Execution:
        """Write what a pure function makes of the execution as it is now, and publish its new events.

        With `last` the lease is given back if the execution is finished then, and `last` called.
        """

        def decide(tx: Transaction) -> Entity[Execution]:
            self._held.check(tx)
            try:
                # The holder of the lease knows the newest state, unless another process asked to stop.
                written = tx.put(self._entity, revise(self._entity.value))
            except RevisionConflict:
                entity = self._get(tx)
                written = tx.put(entity, revise(entity.value))
            if last is not None and written.value.status.finished:
                self._held.free(tx)
                last(tx, written.value)
            return written

        self._entity = await self._store.transact(decide)
        self._staged.clear()
        self._held.freed()
        self._publisher.publish(self.execution)
        return self.execution

    def _get(self, tx: Transaction) -> Entity[Execution]:
        self._held.check(tx)
        entity = tx.get(Execution, self.execution.id)
        if entity is None:
            raise LeaseLost(f"cannot journal {self.execution.id}", "its record is gone", "run `addonkit list`")
        value = entity.value
        for change in self._staged:
            value = change(value)
        return attrs.evolve(entity, value=value)


def record_of(execution: Execution, name: str) -> StepRecord:
    """Return the journal of one step."""
    return execution.steps[_number_of(execution, name) - 1]


def _event_of(
    execution: Execution, kind: EventKind, message: str, at: datetime, hidden: Collection[str], step: str
) -> Event:
    """Return an event of an execution; of one of its steps when that is named."""
    number = _number_of(execution, step) if step else 0
    total, subject = len(execution.steps), dict(execution.subject)
    return Event(execution.id, execution.saga, kind, scrub(message, hidden), at, step, number, total, subject)


def with_start(execution: Execution, step: Step, at: datetime, hidden: Collection[str]) -> Execution:
    """Return the execution with one more run of a step, which begins.

    Args:
        execution: as it is.
        step: that begins.
        at: when.
        hidden: texts that the event must not show.
    """
    event = _event_of(execution, EventKind.STARTED, step.title, at, hidden, step.name)
    attempts = record_of(execution, step.name).attempts + 1
    started = {"status": StepStatus.STARTED, "attempts": attempts, "error": ""}
    return with_events(execution, event, steps=steps_with(execution, step.name, **started))


def with_step(execution: Execution, name: str, **fields: Any) -> Execution:
    """Return the execution with one step's record changed."""
    return attrs.evolve(execution, steps=steps_with(execution, name, **fields))


def steps_with(execution: Execution, name: str, **fields: Any) -> tuple[StepRecord, ...]:
    """Return the steps of an execution with one record changed."""
    number = _number_of(execution, name)
    changed = attrs.evolve(execution.steps[number - 1], **fields)
    return (*execution.steps[: number - 1], changed, *execution.steps[number:])


def _number_of(execution: Execution, step: str) -> int:
    """Return the number of a step, from 1 on."""
    for number, record in enumerate(execution.steps, 1):
        if record.name == step:
            return number
    raise LookupError(f"{execution.id} has no step {step}")
