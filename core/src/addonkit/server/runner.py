"""Carries out long operations: recorded before they begin, completed also by a later process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from contextvars import ContextVar
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit.errors import AddonkitError, NotFound
from addonkit.kit.operation_log import KEPT
from addonkit.models.operation import Operation, OperationState, new_operation_id
from addonkit.server.problems import Problem, recorded
from addonkit.server.verbs import VERBS, Accepted
from addonkit.util.concurrency import end

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.execution import Event
    from addonkit.server.metrics import Metrics
    from addonkit.server.tracing import Tracing

_log = logging.getLogger(__name__)

_STOPPED: Final = Problem(
    "urn:addonkit:error:Interrupted",
    "Interrupted",
    409,
    "the service was stopped meanwhile; ask for it again",
    found="the service was stopped meanwhile",
    advice="ask for it again",
)

_BUG: Final = Problem("about:blank", "Internal error", 500, "this is a bug; the log of `addonkit serve` has the rest")

LOOK_EVERY: Final = 60.0
"""Seconds between looks for operations that other processes left."""

LEFT: Final = timedelta(seconds=60)
"""How old an operation is that no process has begun to carry out, before another one does."""

SWEEP_EVERY: Final = 60
"""Looks between sweeps of operations that ended long ago."""

request_trace: ContextVar[Mapping[str, str]] = ContextVar("request_trace", default={})  # noqa: B039 - never changed
"""The trace of the request that is answered."""

_current: ContextVar[str] = ContextVar("operation", default="")


class OperationRunner:
    """Begins operations and carries them out, each in a task of its own.

    Args:
        kit: what carries out.
        metrics: counts what happened.
        tracing: makes spans of it; None without a collector.
    """

    def __init__(self, kit: Kit, metrics: Metrics, tracing: Tracing | None = None) -> None:
        self._kit = kit
        self._metrics = metrics
        self._tracing = tracing
        self._log = kit.operation_log
        self._tasks: set[asyncio.Task[None]] = set()
        self._notes: dict[str, dict[str, asyncio.Future[Operation]]] = {}
        """What is being recorded, by operation and execution."""
        self._instances: dict[str, str] = {}
        """Ids of operations that begin or run here, to the instances that they concern."""

    async def begin(
        self, verb: str, arguments: Mapping[str, Any], *, asked_by: str, id: str = "", digest: str = ""
    ) -> Operation:
        """Record an operation and begin it; return it as soon as it is clear that nothing stands against it.

        Args:
            verb: one of `verbs.VERBS`.
            arguments: of the verb.
            asked_by: who asks.
            id: of the operation; a new one by default. With the id of an operation that one is returned.
            digest: of the request.

        Raises:
            AddonkitError: the request is refused; nothing was begun.
        """
        id = id or new_operation_id()
        blank = Operation(id, verb, arguments, digest=digest, asked_by=asked_by, trace=dict(request_trace.get()))
        operation, is_new = await self._log.begin(blank)
        if not is_new:
            return operation
        self._instances[id] = ""
        try:
            operation = await self._accept(operation)
        except BaseException:
            del self._instances[id]
            raise
        self._start(operation)
        return operation

    async def resume(self, older: timedelta = timedelta()) -> None:
        """Complete what other processes began and did not complete; waits for those that still run.

        Args:
            older: how long ago it was asked for at least.
        """
        limit = self._log.now() - older
        for operation in await self._log.list(running=True):
            began = operation.created is None or operation.created <= limit
            if began and operation.id not in self._instances:
                self._start(operation)

    def keep(self) -> None:
        """Resume again and again, and forget what ended long ago, until `close`."""
        self._add(self._keep())

    def trace_of(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Return the trace that a request belongs to; empty without one, or without a collector."""
        return self._tracing.context_of(headers) if self._tracing is not None else {}

    def take(self, event: Event) -> None:
        """Note which execution an event is of, for the operation that it belongs to."""
        self._metrics.take(event)
        instance = event.subject.get("instance", "")
        wanted = {id for id, concerned in self._instances.items() if instance and concerned == instance}
        if _current.get() in self._instances:  # what an operation began may outlive it
            wanted.add(_current.get())
        if self._tracing is not None:
            own = _current.get()
            self._tracing.take(event, own if own in wanted else next(iter(wanted), ""))
        for id in wanted:
            notes = self._notes.setdefault(id, {})
            if event.execution not in notes or _failed(notes[event.execution]):
                notes[event.execution] = asyncio.ensure_future(self._log.note_execution(id, event.execution))

    async def close(self) -> None:
        """Stop carrying out; what is not complete is completed by a later process."""
        await end(*self._tasks)

    async def _accept(self, operation: Operation) -> Operation:
        try:
            accepted = await VERBS[operation.verb].accept(self._kit, operation.arguments)
        except BaseException:
            await self._log.withdraw(operation.id)
            raise
        return await self._concern(operation.id, accepted)

    def _start(self, operation: Operation) -> None:
        self._instances[operation.id] = operation.instance
        self._add(self._carry_out(operation.id))

    def _add(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self) -> None:
        for look in count():
            try:
                if look % SWEEP_EVERY == 0:
                    await self._log.sweep()
                    await self._kit.broker_records.sweep(self._log.now() - KEPT)
                await self.resume(LEFT)
            except AddonkitError as error:  # whatever is asked of the state next says more
                _log.warning("operations were not looked for: %s", error)
            await asyncio.sleep(LOOK_EVERY)

    async def _carry_out(self, id: str) -> None:
        _current.set(id)
        try:
            async with self._log.owned(id):
                if self._tracing is not None:
                    self._tracing.began(await self._log.get(id))
                await self._complete(id)
            ended = await self._log.get(id)
            self._metrics.ended(ended)
            if self._tracing is not None:
                self._tracing.ended(ended)
        except NotFound:  # it was withdrawn by the process that had begun it
            return
        except Exception:  # noqa: BLE001 - one operation's failure is not that of the service
            _log.exception("operation %s cannot be carried out", id)
        finally:
            self._instances.pop(id, None)
            self._notes.pop(id, None)
            if self._tracing is not None:
                self._tracing.left(id)

    async def _complete(self, id: str) -> None:
        operation = await self._log.get(id)
        if operation.state is not OperationState.RUNNING:
            return
        verb = VERBS[operation.verb]
        try:
            if not operation.instance_name:
                operation = await self._concern(id, await verb.accept(self._kit, operation.arguments))
            elif operation.executions and not verb.resumes:
                await self._log.fail(id, attrs.asdict(_STOPPED))
                return
            result = await verb.perform(self._kit, operation)
            await self._noted(id)
            await self._log.succeed(id, result)
        except AddonkitError as error:
            await self._noted(id)
            await self._log.fail(id, recorded(error))
        except Exception:  # noqa: BLE001 - a bug: its trace is for the log
            _log.exception("operation %s failed", id)
            await self._noted(id)
            await self._log.fail(id, attrs.asdict(_BUG))

    async def _concern(self, id: str, accepted: Accepted) -> Operation:
        fields = {"instance": accepted.instance, "instance_name": accepted.name, "apps": accepted.apps}
        if id in self._instances:
            self._instances[id] = accepted.instance
        return await self._log.concern(id, **fields)

    async def _noted(self, id: str) -> None:
        """Wait until all executions are recorded."""
        await asyncio.gather(*self._notes.get(id, {}).values(), return_exceptions=True)


def _failed(note: asyncio.Future[Operation]) -> bool:
    return note.done() and (note.cancelled() or note.exception() is not None)
