"""Traces for OpenTelemetry: a span for each operation, below it one for each saga, and one for each step of these.

The names are few: what is done, not to which instance. No value of a variable or an option is in an attribute.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

import attrs
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from addonkit._version import __version__
from addonkit.models.execution import Event, EventKind
from addonkit.models.operation import Operation, OperationState

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer, TracerProvider

_LONGEST: Final = 512
"""Characters of a header that says which trace a request belongs to."""

_ENDS: Final = {
    EventKind.COMPLETED: True,
    EventKind.ROLLED_BACK: False,
    EventKind.BLOCKED: False,
    EventKind.ABANDONED: False,
}
"""Events that end an execution, and whether all went well."""


@attrs.define
class _Run:
    """The spans of an execution that runs.

    Attributes:
        span: of the execution.
        steps: spans of steps that run, by name.
        last: when something happened last: an undo has begun then.
    """

    span: Span
    last: datetime
    steps: dict[str, Span] = attrs.field(factory=dict)


class Tracing:
    """Makes spans of what happens.

    Args:
        provider: of tracers; the one of this process by default.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer: Tracer = trace.get_tracer("addonkit", __version__, provider)
        self._operations: dict[str, Span] = {}
        self._runs: dict[str, _Run] = {}

    @staticmethod
    def context_of(headers: Mapping[str, str]) -> dict[str, str]:
        """Return what a request says of the trace it belongs to; empty when it says nothing that can be used."""
        fields = sorted(TraceContextTextMapPropagator().fields)
        found = {name: headers[name] for name in fields if 0 < len(headers.get(name, "")) <= _LONGEST}
        span = trace.get_current_span(TraceContextTextMapPropagator().extract(found))
        return found if span.get_span_context().is_valid else {}

    def began(self, operation: Operation) -> None:
        """Begin the span of an operation, as a child of the request that asked for it; also in a later process."""
        if operation.id in self._operations:
            return
        attributes = {"addonkit.operation.id": operation.id, "addonkit.operation.verb": operation.verb}
        self._operations[operation.id] = self._tracer.start_span(
            operation.verb,
            TraceContextTextMapPropagator().extract(operation.trace),
            SpanKind.INTERNAL,
            attributes,
            start_time=_nanoseconds(operation.created),
        )

    def ended(self, operation: Operation) -> None:
        """End the span of an operation."""
        span = self._operations.pop(operation.id, None)
        if span is None:
            return
        if operation.instance_name:
            span.set_attribute("addonkit.instance.name", operation.instance_name)
        if operation.state is OperationState.FAILED:
            problem = operation.problem or {}
            _fail(span, str(problem.get("type", "_OTHER")), str(problem.get("detail", "")))
        span.end(_nanoseconds(operation.finished))

    def left(self, id: str) -> None:
        """Forget an operation that a later process completes."""
        self._operations.pop(id, None)

    def take(self, event: Event, operation: str) -> None:
        """Note an event of an execution, for the operation that it belongs to; empty without one."""
        run = self._runs.get(event.execution)
        if run is None:
            run = self._runs[event.execution] = _Run(self._begin_run(event, operation), event.at)
        if event.step:
            self._take_step(run, event)
        run.last = event.at
        if not event.step and event.kind in _ENDS:
            del self._runs[event.execution]
            if not _ENDS[event.kind]:
                _fail(run.span, str(event.kind), event.message)
            run.span.end(_nanoseconds(event.at))

    def _begin_run(self, event: Event, operation: str) -> Span:
        attributes = {"addonkit.saga.name": event.saga, "addonkit.execution.id": event.execution}
        parent = _below(self._operations.get(operation))
        return self._tracer.start_span(event.saga, parent, attributes=attributes, start_time=_nanoseconds(event.at))

    def _take_step(self, run: _Run, event: Event) -> None:
        if event.kind is EventKind.STARTED:
            run.steps[event.step] = self._begin_step(run, event, event.step, event.at)
        elif event.kind is EventKind.RETRYING and event.step in run.steps:
            run.steps[event.step].add_event("retry", timestamp=_nanoseconds(event.at))
        elif event.kind in {EventKind.DONE, EventKind.FAILED}:
            self._end_step(run.steps.pop(event.step, None), event, done=event.kind is EventKind.DONE)
        elif event.kind in {EventKind.UNDONE, EventKind.UNDO_FAILED}:
            undo = self._begin_step(run, event, f"undo {event.step}", run.last)
            self._end_step(undo, event, done=event.kind is EventKind.UNDONE)

    def _begin_step(self, run: _Run, event: Event, name: str, at: datetime) -> Span:
        attributes = {"addonkit.saga.name": event.saga, "addonkit.step.name": event.step}
        return self._tracer.start_span(
            f"{event.saga} {name}", _below(run.span), attributes=attributes, start_time=_nanoseconds(at)
        )

    @staticmethod
    def _end_step(span: Span | None, event: Event, *, done: bool) -> None:
        if span is None:
            return
        if not done:
            _fail(span, str(event.kind), event.message)
        span.end(_nanoseconds(event.at))


def _below(span: Span | None) -> Context | None:
    return trace.set_span_in_context(span) if span is not None else None


def _fail(span: Span, kind: str, why: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, why))


def _nanoseconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1e9)
