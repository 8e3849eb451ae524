"""Publishes what happens to executions in this process, each event once, also when another process makes it happen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit.models.execution import Event, Execution

if TYPE_CHECKING:
    from addonkit.store.interface import Store

EVENTS_KEPT: Final = 200
"""How many of an execution's newest events are kept with it."""

Sink = Callable[[Event], None]

_log = logging.getLogger(__name__)


class EventPublisher:
    """Hands events of executions to a sink, in order and once each.

    The tasks of this process that run an execution and those that wait for it share what was published.

    Args:
        sink: called after the fact; one that raises is logged and changes nothing.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._published: dict[str, int] = {}
        self._listeners: dict[str, int] = {}

    @contextmanager
    def listening(self, id: str, seen: Execution | None) -> Iterator[None]:
        """For the length of the block tell events of this execution, beginning with what comes after `seen`."""
        if not self._listeners.get(id):
            self._published[id] = seen.events_total if seen else 0
        self._listeners[id] = self._listeners.get(id, 0) + 1
        try:
            yield
        finally:
            self._listeners[id] -= 1
            if not self._listeners[id]:
                del self._listeners[id], self._published[id]

    def publish(self, execution: Execution) -> None:
        """Tell the events of an execution that were not told yet."""
        new = execution.events_total - self._published.get(execution.id, execution.events_total)
        if new <= 0:
            return
        self._published[execution.id] = execution.events_total
        for event in execution.events[-new:]:
            try:
                self._sink(event)
            except Exception:  # noqa: BLE001 - a sink that raises does not undo what happened
                _log.exception("%s: the sink failed on: %s", execution.id, event.message)


def with_events(execution: Execution, *events: Event, **fields: Any) -> Execution:
    """Return the execution after these events, with other fields changed too."""
    kept = (*execution.events, *events)[-EVENTS_KEPT:]
    return attrs.evolve(execution, events=kept, events_total=execution.events_total + len(events), **fields)


@asynccontextmanager
async def following(store: Store, id: str, publisher: EventPublisher) -> AsyncIterator[None]:
    """Tell the events of an execution that another process runs while the block lasts; the last ones at its end."""
    task = asyncio.create_task(_follow(store, id, publisher))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    entity = await store.get(Execution, id)
    if entity is not None:
        publisher.publish(entity.value)


async def _follow(store: Store, id: str, publisher: EventPublisher) -> None:
    """Publish the execution as it is now, and again whenever it may have changed."""
    async with aclosing(store.watch(Execution)) as changes:
        while True:
            entity = await store.get(Execution, id)
            if entity is not None:
                publisher.publish(entity.value)
            async for change in changes:
                if change.name in {id, ""}:  # a change without a name stands for any
                    break
