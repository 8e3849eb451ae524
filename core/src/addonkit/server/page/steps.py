"""Operations as the page shows them: what was asked for, and its steps so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.kit.operation_log import place_of
from addonkit.models.execution import Event, EventKind, Execution
from addonkit.models.instance import Instance
from addonkit.models.operation import Operation, OperationState

if TYPE_CHECKING:
    from addonkit.server.endpoints import Call

SHOWN: Final = 8
"""Operations that have ended and are shown."""

LOOKED_AT: Final = 100
"""Operations that were asked for last, among which those are looked for."""

SPOKEN: Final = {"back_up": "back up", "change_extensions": "change extensions of", "undestroy": "bring back"}
"""Verbs in words, where they are others."""


STATES: Final[Mapping[EventKind, str]] = {
    EventKind.STARTED: "running",
    EventKind.PROGRESS: "running",
    EventKind.RETRYING: "retrying",
    EventKind.DONE: "done",
    EventKind.FAILED: "failed",
    EventKind.UNDONE: "undone",
    EventKind.UNDO_FAILED: "not undone",
}
"""What a step is after an event; the script of the page has the same words."""

_EXPLAINED: Final = {EventKind.PROGRESS, EventKind.RETRYING, EventKind.FAILED, EventKind.UNDO_FAILED}


@attrs.frozen
class StepRow:
    """A step.

    Attributes:
        key: tells it from others of the same operation.
        title: what it does.
        state: one of STATES.
        note: a sentence about that; may be empty.
    """

    key: str
    title: str
    state: str
    note: str = ""


@attrs.frozen
class OperationRow:
    """An operation with its steps.

    Attributes:
        id: of the operation.
        verb: in words.
        instance: name of the instance; may be empty.
        state: see OperationState.
        asked_by: who asked.
        created: when it was asked for; `finished` when it ended.
        problem: why it failed; empty otherwise.
        steps: so far.
    """

    id: str
    verb: str
    instance: str
    state: OperationState
    asked_by: str
    created: datetime | None
    finished: datetime | None
    problem: str
    steps: tuple[StepRow, ...]

    @property
    def running(self) -> bool:
        """Return whether it runs."""
        return self.state is OperationState.RUNNING

    @property
    def seconds(self) -> float | None:
        """Return how long it took; None while it runs."""
        return (self.finished - self.created).total_seconds() if self.created and self.finished else None


async def operations(call: Call, instance: Instance | None = None) -> tuple[OperationRow, ...]:
    """Return the operations within reach that run, and those that ended last; the newest first.

    Args:
        call: who asks.
        instance: that they concern, also those from before its data moved or its name changed; None stands for all.
    """
    log = call.kit.operation_log
    if instance is None:
        newest = {each.id: each for each in (*await log.newest(LOOKED_AT), *await log.list(running=True))}
        every = sorted(newest.values(), key=place_of)
    else:
        every = [*await log.concerning(instance)]
    found = [each for each in every if call.principal.reaches(each.apps)]
    running = [each for each in found if each.state is OperationState.RUNNING]
    ended = [each for each in found if each.state is not OperationState.RUNNING]
    ended.sort(key=lambda each: str(each.finished))
    shown = [*reversed(running), *reversed(ended[-SHOWN:])]
    return tuple([_row(*await call.kit.operation_log.get_with_executions(each.id)) for each in shown])


def _row(operation: Operation, executions: Sequence[Execution | None]) -> OperationRow:
    events = [event for each in executions if each for event in each.events]
    problem = str((operation.problem or {}).get("detail", ""))
    return OperationRow(
        operation.id,
        SPOKEN.get(operation.verb, operation.verb),
        operation.instance_name,
        operation.state,
        operation.asked_by,
        operation.created,
        operation.finished,
        problem,
        steps(sorted(events, key=lambda event: event.at)),
    )


def steps(events: Iterable[Event]) -> tuple[StepRow, ...]:
    """Return the steps that events tell of, in the order they began, each as it is now."""
    found: dict[str, StepRow] = {}
    for event in events:
        state = STATES.get(event.kind)
        if not event.step or state is None:
            continue
        key = f"{event.saga}/{event.step}"
        begins = event.kind is EventKind.STARTED or key not in found
        title = event.message if begins else found[key].title
        found[key] = StepRow(key, title, state, event.message if event.kind in _EXPLAINED else "")
    return tuple(found.values())
