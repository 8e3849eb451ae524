"""Follows operations for platforms, which know them by the ids of what they asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs
from aiohttp import web

from addonkit.errors import AddonkitError, NotFound
from addonkit.kit.operation_log import KEPT
from addonkit.models.broker import BrokerVerb, ServiceBinding, ServiceInstance
from addonkit.models.operation import Operation, OperationState

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.server.runner import OperationRunner

R = TypeVar("R", ServiceInstance, ServiceBinding)

ASKED_BY: Final = "broker"

RETRY_AFTER: Final = "2"
"""Seconds after which a platform asks again."""

PATIENCE: Final = 50.0
"""Seconds that a platform waits for an answer, less some."""


@attrs.frozen
class Tracked(Generic[R]):
    """The state of something that a platform asked for.

    Attributes:
        record: of the last request.
        operation: that carries it out; None when it is forgotten by now, or never began.
        is_there: whether what stands for it is there, complete or not.
    """

    record: R
    operation: Operation | None
    is_there: bool

    @property
    def runs(self) -> bool:
        """Return whether the operation is under way."""
        return self.operation is not None and self.operation.state is OperationState.RUNNING

    @property
    def failed(self) -> bool:
        """Return whether the operation failed."""
        return self.operation is not None and self.operation.state is OperationState.FAILED

    @property
    def is_made(self) -> bool:
        """Return whether a platform can use it; an update that failed, or runs, changes nothing of that."""
        if self.record.verb is BrokerVerb.UPDATE:
            return self.is_there
        return self.record.verb is BrokerVerb.MAKE and self.is_there and not self.runs and not self.failed

    @property
    def is_gone(self) -> bool:
        """Return whether it was removed, also by others than the platform."""
        if self.runs or (self.failed and self.record.verb is BrokerVerb.MAKE):
            return False
        return not self.is_there or (self.record.verb is BrokerVerb.REMOVE and not self.failed)

    @property
    def is_being_removed(self) -> bool:
        """Return whether the platform waits for it to be removed."""
        return self.record.verb is BrokerVerb.REMOVE and self.runs


class Tracker:
    """Begins operations under ids that were recorded before, and tells what came of them."""

    def __init__(self, kit: Kit, runner: OperationRunner) -> None:
        self._kit = kit
        self._records = kit.broker_records
        self._runner = runner

    async def begin(
        self, record: ServiceInstance | ServiceBinding, verb: str, arguments: Mapping[str, Any]
    ) -> Operation:
        """Begin the operation of a record; the same one again gives the same operation."""
        return await self._runner.begin(verb, arguments, asked_by=ASKED_BY, id=record.operation)

    async def begin_anew(self, former: R | None, record: R, verb: str, arguments: Mapping[str, Any]) -> None:
        """Begin the operation of a record that was just written; when it is refused the former record is back.

        Raises:
            AddonkitError: the operation is refused.
        """
        try:
            await self.begin(record, verb, arguments)
        except AddonkitError:
            await self._records.restore(record, former)
            raise

    async def is_recent(self, record: ServiceInstance | ServiceBinding) -> bool:
        """Return whether the operation of a record would still be kept: when there is none, it never began."""
        changed = await self._records.changed(record)
        return changed is not None and self._kit.operation_log.now() - changed < KEPT

    async def wait(self, id: str) -> Operation | None:
        """Wait for the end of an operation; None when that takes longer than a platform waits."""
        try:
            async with asyncio.timeout(PATIENCE), aclosing(self._kit.operation_log.follow(id)) as states:
                async for operation, _ in states:
                    if operation.state is not OperationState.RUNNING:
                        return operation
        except TimeoutError:
            return None
        return None

    async def last(self, found: Tracked[Any]) -> dict[str, Any]:
        """Return what a platform is shown of an operation; what ended long ago has succeeded."""
        if found.operation is None or found.operation.state is OperationState.SUCCEEDED:
            return {"state": "succeeded"}
        if found.failed:
            return {"state": "failed", "description": reason_of(found.operation), **_after_failure(found.record)}
        return {"state": "in progress", "description": await self._step(found.operation)}

    async def _step(self, operation: Operation) -> str:
        for id in reversed(operation.executions):
            try:
                execution = await self._kit.execution(id)
            except NotFound:
                continue
            if execution.events:
                return execution.events[-1].message
        return "it begins"


def reason_of(operation: Operation) -> str:
    """Return why an operation failed."""
    return str((operation.problem or {}).get("detail", "it failed"))


def _after_failure(record: ServiceInstance | ServiceBinding) -> dict[str, bool]:
    """Return what a platform may do with a service instance after an update or a removal of it failed."""
    if not isinstance(record, ServiceInstance) or record.verb is BrokerVerb.MAKE:
        return {}
    if record.verb is BrokerVerb.REMOVE:
        return {"instance_usable": False}
    return {"instance_usable": True, "update_repeatable": True}


def polled(found: Tracked[Any], shown: dict[str, Any]) -> web.Response:
    """Return the answer to a platform that asks what came of its request."""
    headers = {"Retry-After": RETRY_AFTER} if found.runs else {}
    return web.json_response(shown, headers=headers)
