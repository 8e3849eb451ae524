"""The journal of executions: every entry is one transaction, and only who holds the lease writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from addonkit.engine.events import EventPublisher, with_events
from addonkit.engine.failure import describe, scrub, secrets_in
from addonkit.errors import LeaseLost
from addonkit.models.execution import Event, EventKind, Execution, ExecutionStatus, StepRecord

if TYPE_CHECKING:
    from addonkit.store.interface import Entity, Store, Transaction
    from addonkit.store.leases import LeaseHandle
    from addonkit.util.clock import Clock


class Journal:
    """Reads and writes one execution on behalf of who holds its lease.

    Attributes:
        execution: as last written or read.
        hidden: texts that appear in no event and no recorded error.
    """

    def __init__(
        self, store: Store, clock: Clock, publisher: EventPublisher, held: LeaseHandle, execution: Execution
    ) -> None:
        self.execution = execution
        self.hidden = secrets_in([execution.inputs, [record.output for record in execution.steps]])
        self._store = store
        self._clock = clock
        self._publisher = publisher
        self._held = held

    async def write(
        self, change: Callable[[Execution], Execution], *events: Event, unless_cancelled: bool = False
    ) -> Execution:
        """Change the execution and append events, in one transaction; tell the events afterwards.

        Args:
            change: from the execution as it is now, which may have been asked to stop since it was last read.
            events: made with `event`.
            unless_cancelled: write nothing when it was asked to stop.

        Raises:
            LeaseLost: another process has taken over; nothing was written.
        """

        def decide(tx: Transaction) -> Execution:
            entity = self._get(tx)
            if unless_cancelled and entity.value.cancel:
                return entity.value
            return tx.put(entity, with_events(change(entity.value), *events)).value

        self.execution = await self._store.transact(decide)
        self._publisher.publish(self.execution)
        return self.execution

    async def write_step(self, name: str, *events: Event, unless_cancelled: bool = False, **fields: Any) -> Execution:
        """Change the record of one step; see write."""
        return await self.write(lambda now: with_step(now, name, **fields), *events, unless_cancelled=unless_cancelled)

    async def note(self, *events: Event) -> None:
        """Append events."""
        await self.write(lambda now: now, *events)

    async def finish(self, status: ExecutionStatus, event: Event, *, unless_cancelled: bool = False) -> Execution:
        """Record how the execution ended; see write."""
        return await self.write(
            lambda now: attrs.evolve(now, status=status, finished=self._clock.now()),
            event,
            unless_cancelled=unless_cancelled,
        )

    async def refresh(self) -> Execution:
        """Read the execution again."""
        self.execution = await self._store.transact(lambda tx: self._get(tx).value)
        return self.execution

    def event(self, kind: EventKind, message: str, step: str = "") -> Event:
        """An event of this execution, now; what is hidden is taken out of its message."""
        names = [record.name for record in self.execution.steps]
        return Event(
            self.execution.id,
            self.execution.saga,
            kind,
            scrub(message, self.hidden),
            self._clock.now(),
            step,
            names.index(step) + 1 if step in names else 0,
            len(names),
            dict(self.execution.subject),
        )

    def hide(self, *values: Any) -> None:
        """Keep the secrets of these values out of events and errors from now on."""
        self.hidden |= secrets_in(values)

    def describe(self, error: BaseException) -> str:
        """One line about an error; see failure.describe."""
        return describe(error, self.hidden)

    def _get(self, tx: Transaction) -> Entity[Execution]:
        self._held.check(tx)
        entity = tx.get(Execution, self.execution.id)
        if entity is None:
            raise LeaseLost(f"cannot journal {self.execution.id}", "its record is gone", "look at addonkit list")
        return entity


def record_of(execution: Execution, name: str) -> StepRecord:
    """The journal of one step."""
    return next(record for record in execution.steps if record.name == name)


def with_step(execution: Execution, name: str, **fields: Any) -> Execution:
    """The execution with one step's record changed."""
    steps = tuple(attrs.evolve(record, **fields) if record.name == name else record for record in execution.steps)
    return attrs.evolve(execution, steps=steps)
