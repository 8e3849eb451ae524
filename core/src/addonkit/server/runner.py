"""Carries out long operations: recorded before they begin, completed also by a later process."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit.errors import AddonkitError, NotFound
from addonkit.kit.operation_log import check_same
from addonkit.models.identifiers import new_id
from addonkit.models.operation import Operation, OperationState
from addonkit.server.problems import Problem, recorded
from addonkit.server.verbs import VERBS, Accepted

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.execution import Event
    from addonkit.server.metrics import Metrics

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

_current: ContextVar[str] = ContextVar("operation", default="")


class OperationRunner:
    """Begins operations and carries them out, each in a task of its own.

    Args:
        kit: what carries out.
        metrics: counts what happened.
    """

    def __init__(self, kit: Kit, metrics: Metrics) -> None:
        self._kit = kit
        self._metrics = metrics
        self._log = kit.operation_log
        self._tasks: set[asyncio.Task[None]] = set()
        self._notes: dict[str, list[asyncio.Task[Operation]]] = {}
        self._instances: dict[str, str] = {}
        """Ids of operations that run here, to the instances that they concern."""

    async def begin(
        self, verb: str, arguments: Mapping[str, Any], *, asked_by: str, key: str = "", id: str = ""
    ) -> Operation:
        """Record an operation and begin it; return it as soon as it is clear that nothing stands against it.

        Args:
            verb: one of `verbs.VERBS`.
            arguments: of the verb.
            asked_by: who asks; an idempotency key counts for one principal.
            id: of the operation; a new one by default.
            key: with the same one and the same request, the same operation is returned.

        Raises:
            AlreadyExists: the key was used for another request.
            AddonkitError: the request is refused; nothing was begun.
        """
        digest = _digest([verb, arguments])
        id = id or (_digest([asked_by, key])[:24] if key else new_id() + new_id())
        blank = Operation(id, verb, arguments, digest=digest, asked_by=asked_by)
        operation, is_new = await self._log.begin(blank)
        check_same(operation, digest)
        if not is_new:
            return operation
        try:
            accepted = await VERBS[verb].accept(self._kit, operation.arguments)
        except BaseException:
            await self._log.withdraw(id)
            raise
        operation = await self._concern(id, accepted)
        self._start(operation)
        return operation

    async def resume(self) -> None:
        """Complete what other processes began and did not complete; waits for those that still run."""
        await self._log.sweep()
        for operation in await self._log.list(running=True):
            if operation.id not in self._instances:
                self._start(operation)

    def take(self, event: Event) -> None:
        """Note which execution an event is of, for the operation that it belongs to."""
        self._metrics.take(event)
        instance = event.subject.get("instance", "")
        wanted = {id for id, concerned in self._instances.items() if instance and concerned == instance}
        if _current.get():
            wanted.add(_current.get())
        for id in wanted:
            notes = self._notes.setdefault(id, [])
            notes.append(asyncio.ensure_future(self._log.note_execution(id, event.execution)))

    async def close(self) -> None:
        """Stop carrying out; what is not complete is completed by a later process."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, operation: Operation) -> None:
        self._instances[operation.id] = operation.instance
        task = asyncio.create_task(self._carry_out(operation.id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, id: str) -> None:
        _current.set(id)
        try:
            async with self._log.owned(id):
                await self._complete(id)
            self._metrics.ended(await self._log.get(id))
        except NotFound:  # it was withdrawn by the process that had begun it
            return
        except Exception:  # noqa: BLE001 - one operation's failure is not that of the service
            _log.exception("operation %s cannot be carried out", id)
        finally:
            self._instances.pop(id, None)
            self._notes.pop(id, None)

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
        await asyncio.gather(*self._notes.pop(id, ()), return_exceptions=True)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
