"""Executions of sagas and the events they emit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

import attrs

from addonkit.util.values import frozen


class ExecutionStatus(StrEnum):
    """The status of an execution.

    `failed` means fully undone; `blocked` means an undo keeps failing and an operator decides;
    `abandoned` means an operator gave the remaining undos up.
    """

    RUNNING = "running"
    COMPLETED = "completed"
    UNDOING = "undoing"
    FAILED = "failed"
    BLOCKED = "blocked"
    ABANDONED = "abandoned"

    @property
    def finished(self) -> bool:
        """Return whether nothing will happen any more."""
        return self in {ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.ABANDONED}


class StepStatus(StrEnum):
    """The status of one step of an execution."""

    PENDING = "pending"
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"


class EventKind(StrEnum):
    """The kinds of events of a step, or of the whole execution."""

    STARTED = "started"
    DONE = "done"
    RETRYING = "retrying"
    FAILED = "failed"
    UNDONE = "undone"
    UNDO_FAILED = "undo_failed"
    PROGRESS = "progress"
    COMPLETED = "completed"
    ROLLED_BACK = "rolled_back"
    BLOCKED = "blocked"
    ABANDONED = "abandoned"


ONCE: Final = "once/"
"""Ids of executions that are not asked for again begin with it: questions, and acts of an operator."""

LOOKS: Final = f"{ONCE}look/"
"""Ids of executions that look at what is there, in passing, begin with it: no progress is shown of them."""

USAGE: Final = f"{ONCE}usage/"
"""Ids of executions that ask how much an instance holds begin with it: what asks says why there is no answer."""


@frozen
class CancelRequest:
    """A request that an execution stop and be undone; `Execution.cancel` is the truth, this wakes its process."""

    kind: ClassVar[str] = "cancel_request"
    indexed: ClassVar[tuple[str, ...]] = ()
    plain: ClassVar[bool] = True

    id: str


@frozen
class Event:
    """Something that happened, with a human sentence. Never holds a secret.

    Attributes:
        execution: id of the execution.
        saga: name of the saga.
        kind: see EventKind.
        message: one sentence.
        at: when.
        step: name of the step; empty for the execution as a whole.
        number: 1-based position of the step; `total` is how many there are.
        subject: what the execution serves, as `{"instance": id, "app": name}`.
    """

    execution: str
    saga: str
    kind: EventKind
    message: str
    at: datetime
    step: str = ""
    number: int = 0
    total: int = 0
    subject: Mapping[str, str] = attrs.field(factory=dict)


@frozen
class StepRecord:
    """The journal of one step.

    Attributes:
        name: of the step.
        status: see StepStatus.
        output: what it contributed, key to JSON value (Secrets inside); None until done.
        error: why it, or its undo, failed last.
        attempts: runs of the step; `undo_attempts` runs of its undo.
    """

    name: str
    status: StepStatus = StepStatus.PENDING
    output: Mapping[str, Any] | None = None
    error: str = ""
    attempts: int = 0
    undo_attempts: int = 0


@frozen
class Execution:
    """One run of a saga.

    Attributes:
        id: derived from what it serves, as `provision/<instance>/1`.
        saga: name of the saga; `version` of its shape.
        status: see ExecutionStatus.
        steps: one record per step, in order, those that policies added included.
        inputs: JSON values and Secrets.
        subject: entity ids by role (`instance`, `association`), from which the engine's own arguments come.
        error: why it failed, in one line.
        failed_step: name of the step that failed; empty when no step did.
        transient: whether the failure's cause may pass.
        cancel: asked to stop and undo.
        undo_rounds: rounds of undoing that left something undone.
        undo_at: when the next round is due.
        created: when it began; `finished` when it ended.
        events: what happened so far, oldest first; the newest 200 are kept.
        events_total: how many happened, those included that are not kept.
    """

    kind: ClassVar[str] = "execution"
    indexed: ClassVar[tuple[str, ...]] = ("saga", "status")
    plain: ClassVar[bool] = True

    id: str
    saga: str
    version: int
    status: ExecutionStatus
    steps: tuple[StepRecord, ...]
    inputs: Mapping[str, Any] = attrs.field(factory=dict)
    subject: Mapping[str, str] = attrs.field(factory=dict)
    error: str = ""
    failed_step: str = ""
    transient: bool = False
    cancel: bool = False
    undo_rounds: int = 0
    undo_at: datetime | None = None
    created: datetime | None = None
    finished: datetime | None = None
    events: tuple[Event, ...] = ()
    events_total: int = 0

    @property
    def uncompensated(self) -> tuple[StepRecord, ...]:
        """Records of steps that have left, or may have left, something behind."""
        return tuple(r for r in self.steps if r.status not in {StepStatus.PENDING, StepStatus.UNDONE})
