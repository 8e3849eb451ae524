"""Long operations that were asked for through the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

import attrs

from addonkit.models.identifiers import new_id
from addonkit.util.values import frozen


class OperationState(StrEnum):
    """The state of an operation."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


def new_operation_id() -> str:
    """Return the id of an operation that is about to begin: twenty characters of `[a-z2-9]`."""
    return new_id() + new_id()


@frozen
class Operation:
    """Something that takes long, recorded before it begins.

    Attributes:
        id: made from the idempotency key where there is one.
        verb: what is done, as `create`.
        arguments: of the verb, JSON values without secrets.
        state: see OperationState.
        created: when it was asked for; `finished` when it ended.
        instance: id of the instance it concerns; `instance_name` is its name.
        apps: names of apps it concerns.
        executions: ids of the executions that carried it out, in order of their begin.
        result: JSON values that a success gives.
        problem: why it failed: the fields of the error.
        digest: of the request, so that a key is not used for another one.
        asked_by: who asked.
        trace: that the request belongs to: `traceparent` and `tracestate` of W3C Trace Context.
    """

    kind: ClassVar[str] = "operation"
    indexed: ClassVar[tuple[str, ...]] = ("state", "instance", "instance_name", "began")

    id: str
    verb: str
    arguments: Mapping[str, Any]
    state: OperationState = OperationState.RUNNING
    created: datetime | None = None
    finished: datetime | None = None
    instance: str = ""
    instance_name: str = ""
    apps: tuple[str, ...] = ()
    executions: tuple[str, ...] = ()
    result: Mapping[str, Any] = attrs.field(factory=dict)
    problem: Mapping[str, Any] | None = None
    digest: str = ""
    asked_by: str = ""
    trace: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def began(self) -> str:
        """Return when it was asked for, as text that sorts by time."""
        return self.created.astimezone(UTC).isoformat(timespec="microseconds") if self.created else ""
