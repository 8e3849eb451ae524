"""Operations: what takes long, and what came of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, Final

import attrs
from aiohttp import web

from addonkit.errors import NotFound
from addonkit.kit.operation_log import place_of
from addonkit.models.execution import Event, Execution
from addonkit.models.operation import Operation, OperationState
from addonkit.server.documents import dump
from addonkit.server.endpoints import LONG, STREAM, Call, Endpoints, Page, Reply
from addonkit.server.idempotency import check_same
from addonkit.server.paging import MOST, ListQuery, page, page_through
from addonkit.server.problems import Problem
from addonkit.server.schema import Text

endpoint: Final = Endpoints()

_SEEN: Final = 1000
"""Characters of a Last-Event-ID that are read."""


@attrs.frozen
class OperationResource:
    """Something that takes long.

    Attributes:
        id: of the operation.
        verb: what is done: `create`, `destroy`, ...
        state: `running`, `succeeded` or `failed`.
        instance: name of the instance it concerns; empty when it is not known yet.
        apps: that it concerns.
        asked_by: who asked.
        created: when it was asked for.
        finished: when it ended; null while it runs.
        result: what a success gives.
        problem: why it failed; null otherwise.
    """

    id: str
    verb: str
    state: OperationState
    instance: str
    apps: tuple[str, ...]
    asked_by: str
    created: datetime | None
    finished: datetime | None
    result: Mapping[str, Any]
    problem: Problem | None


@attrs.frozen
class OperationsQuery(ListQuery):
    """A selection of operations.

    Attributes:
        limit: items at most.
        cursor: `next` of the part before.
        running: whether only those that run are listed.
        instance: name of an instance; empty stands for all.
    """

    running: bool = False
    instance: Annotated[str, Text(longest=300)] = ""


def resource(operation: Operation) -> OperationResource:
    """Return what is shown of an operation."""
    problem = Problem(**operation.problem) if operation.problem is not None else None
    return OperationResource(
        operation.id,
        operation.verb,
        operation.state,
        operation.instance_name,
        operation.apps,
        operation.asked_by,
        operation.created,
        operation.finished,
        operation.result,
        problem,
    )


async def begin(call: Call, verb: str, arguments: Mapping[str, Any]) -> Reply:
    """Begin an operation for a request, once for each Idempotency-Key; the answer says where it is found."""
    asked = {"asked_by": call.principal.name, "id": call.operation, "digest": call.digest}
    operation = await call.runner.begin(verb, arguments, **asked)
    return begun(call, operation)


def begun(call: Call, operation: Operation) -> Reply:
    """Return the answer to a request that began an operation, or that is sent again.

    Raises:
        Refused: its Idempotency-Key was used for another request.
    """
    check_same(operation, call.digest, call.attempted)
    return Reply(resource(operation), LONG, {"Location": f"/v1/operations/{operation.id}"})


@endpoint("GET", "/v1/operations")
async def list_operations(call: Call, query: OperationsQuery) -> Page[OperationResource]:
    """List operations, oldest first."""
    log, narrow = call.kit.operation_log, query.running or query.instance
    if narrow:
        found = await log.list(running=query.running, instance=query.instance)
        part = page([each for each in found if call.principal.reaches(each.apps)], place_of, query)
    else:
        part = await page_through(_within_reach(call), place_of, query)
    return Page(tuple(map(resource, part.items)), part.next)


def _within_reach(call: Call) -> Callable[[str, int], Awaitable[list[Operation]]]:
    """Return what reads a part of the operations that the client may see: it passes over others, some at a time."""

    async def read(after: str, limit: int) -> list[Operation]:
        found: list[Operation] = []
        while len(found) < limit:
            part = await call.kit.operation_log.part(after, MOST)
            found += [each for each in part if call.principal.reaches(each.apps)]
            if len(part) < MOST:
                break
            after = place_of(part[-1])
        return found[:limit]

    return read


@endpoint("GET", "/v1/operations/{operation}")
async def get_operation(call: Call, operation: str) -> OperationResource:
    """Show an operation."""
    return resource(await _find(call, operation))


@endpoint("GET", "/v1/operations/{operation}/events", media=STREAM)
async def stream_operation_events(call: Call, operation: str) -> web.StreamResponse:
    """Stream what happens to an operation, step by step, as server-sent events.

    Each event is of type `step`; the last one is of type `operation` and has the whole operation. After an interruption
    send the `id` of the last event as `Last-Event-ID`: the stream continues after it.
    """
    await _find(call, operation)
    seen = _Seen.read(call.request.headers.get("Last-Event-ID", ""))
    response = web.StreamResponse(headers={"Content-Type": STREAM, "Cache-Control": "no-store"})
    await response.prepare(call.request)
    async with aclosing(_frames(call, operation, seen)) as frames:
        async for frame in frames:
            await response.write(frame)
    await response.write_eof()
    return response


async def _find(call: Call, id: str) -> Operation:
    operation = await call.kit.operation_log.get(id)
    if not call.principal.reaches(operation.apps):
        raise NotFound(f"cannot find operation {id!r}", "there is none within reach")
    return operation


@attrs.define
class _Seen:
    """The number of events of each execution that were sent, in the order in which the executions began."""

    counts: list[int] = attrs.field(factory=list)

    @classmethod
    def read(cls, text: str) -> _Seen:
        parts = text[:_SEEN].split("-")
        return cls([int(part) for part in parts] if all(part.isdecimal() for part in parts) else [])

    def new(self, executions: tuple[Execution | None, ...]) -> list[tuple[str, Event]]:
        """Return events that were not sent yet, each with the id that stands for it and all before it."""
        self.counts += [0] * (len(executions) - len(self.counts))
        fresh = []
        for place, execution in enumerate(executions):
            events = execution.events if execution else ()
            first = execution.events_total - len(events) + 1 if execution else 0
            fresh += [(e.at, place, n, e) for n, e in enumerate(events, first) if n > self.counts[place]]
        found = []
        for _, place, number, event in sorted(fresh, key=lambda each: each[:3]):
            self.counts[place] = number
            found.append(("-".join(map(str, self.counts)), event))
        return found


async def _frames(call: Call, id: str, seen: _Seen) -> AsyncGenerator[bytes, None]:
    yield b"retry: 2000\n\n"
    async with aclosing(call.kit.operation_log.follow(id)) as states:
        async for operation, executions in states:
            for event_id, event in seen.new(executions):
                yield _frame("step", _step(event), event_id)
            if operation.state is not OperationState.RUNNING:
                yield _frame("operation", dump(resource(operation)))


def _step(event: Event) -> bytes:
    return dump(
        {
            "at": event.at,
            "kind": event.kind,
            "saga": event.saga,
            "step": event.step,
            "number": event.number,
            "total": event.total,
            "message": event.message,
        }
    )


def _frame(kind: str, data: bytes, id: str = "") -> bytes:
    head = f"event: {kind}\n" + (f"id: {id}\n" if id else "")
    return head.encode() + b"data: " + data + b"\n\n"
