"""The journal of executions: every entry is one transaction, and only who holds the lease writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit.errors import LeaseLost
from addonkit.models.execution import Event, EventKind, Execution, ExecutionStatus, StepRecord

if TYPE_CHECKING:
    from addonkit.clock import Clock
    from addonkit.store.holding import Held
    from addonkit.store.interface import Store, Transaction

EVENTS_KEPT: Final = 200

Sink = Callable[[Event], None]


class Journal:
    """Reads and writes one execution on behalf of who holds its lease.

    Attributes:
        execution: as last written.
    """

    def __init__(self, store: Store, clock: Clock, sink: Sink, held: Held, execution: Execution) -> None:
        self.execution = execution
        self._store = store
        self._clock = clock
        self._sink = sink
        self._held = held

    async def write(self, change: Callable[[Execution], Execution], *events: Event) -> Execution:
        """Change the execution and append events, in one transaction; tell the events afterwards.

        Raises:
            LeaseLost: another process has taken over; nothing was written.
        """

        def decide(tx: Transaction) -> Execution:
            self._held.check(tx)
            entity = tx.get(Execution, self.execution.id)
            if entity is None:
                raise LeaseLost(f"cannot journal {self.execution.id}", "its record is gone", "look at addonkit list")
            changed = change(entity.value)
            kept = (*changed.events, *events)[-EVENTS_KEPT:]
            return tx.put(entity, attrs.evolve(changed, events=kept)).value

        self.execution = await self._store.transact(decide)
        for event in events:
            self._sink(event)
        return self.execution

    async def write_step(self, name: str, *events: Event, **fields: Any) -> Execution:
        """Change the record of one step."""
        return await self.write(lambda now: with_step(now, name, **fields), *events)

    async def note(self, event: Event) -> None:
        """Append an event."""
        await self.write(lambda now: now, event)

    def event(self, kind: EventKind, message: str, step: str = "") -> Event:
        """An event of this execution, now."""
        names = [record.name for record in self.execution.steps]
        number = names.index(step) + 1 if step in names else 0
        return Event(
            self.execution.id,
            self.execution.saga,
            kind,
            message,
            self._clock.now(),
            step,
            number,
            len(names),
            dict(self.execution.subject),
        )

    async def finish(self, status: ExecutionStatus, event: Event) -> Execution:
        """Record how the execution ended."""
        return await self.write(lambda now: attrs.evolve(now, status=status, finished=self._clock.now()), event)


def record_of(execution: Execution, name: str) -> StepRecord:
    """The journal of one step."""
    return next(record for record in execution.steps if record.name == name)


def with_step(execution: Execution, name: str, **fields: Any) -> Execution:
    """The execution with one step's record changed."""
    steps = tuple(attrs.evolve(record, **fields) if record.name == name else record for record in execution.steps)
    return attrs.evolve(execution, steps=steps)
