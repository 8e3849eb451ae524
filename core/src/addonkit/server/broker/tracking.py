"""Follows operations for platforms, which know them by the ids of what they asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from addonkit.errors import NotFound
from addonkit.models.broker import BrokerVerb, ServiceBinding, ServiceInstance
from addonkit.models.identifiers import new_id
from addonkit.models.operation import Operation, OperationState

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.server.runner import OperationRunner

ASKED_BY: Final = "broker"

PATIENCE: Final = 50.0
"""Seconds that a platform waits for an answer, less some."""


class Tracker:
    """Begins operations under ids that were recorded before, and tells what came of them."""

    def __init__(self, kit: Kit, runner: OperationRunner) -> None:
        self._kit = kit
        self._runner = runner

    @staticmethod
    def new_id() -> str:
        """Return the id of an operation that is about to begin."""
        return new_id() + new_id()

    async def find(self, id: str) -> Operation | None:
        """Return an operation; None when the process ended before it began, or it ended long ago."""
        try:
            return await self._kit.operation_log.get(id)
        except NotFound:
            return None

    async def begin(self, id: str, verb: str, arguments: Mapping[str, Any]) -> Operation:
        """Begin an operation; the same id again gives the same one."""
        return await self._runner.begin(verb, arguments, asked_by=ASKED_BY, id=id)

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

    async def last(self, operation: Operation) -> dict[str, Any]:
        """Return what a platform is shown of an operation."""
        if operation.state is OperationState.SUCCEEDED:
            return {"state": "succeeded"}
        if operation.state is OperationState.FAILED:
            return {"state": "failed", "description": str((operation.problem or {}).get("detail", "it failed"))}
        return {"state": "in progress", "description": await self._step(operation)}

    async def _step(self, operation: Operation) -> str:
        for id in reversed(operation.executions):
            try:
                execution = await self._kit.execution(id)
            except NotFound:
                continue
            if execution.events:
                return execution.events[-1].message
        return "it begins"


def runs(operation: Operation | None) -> bool:
    """Whether an operation is under way."""
    return operation is not None and operation.state is OperationState.RUNNING


def is_made(record: ServiceInstance | ServiceBinding, operation: Operation | None) -> bool:
    """Whether it was made; its operation may be forgotten by now."""
    return record.verb is BrokerVerb.MAKE and _succeeded(operation)


def is_gone(record: ServiceInstance | ServiceBinding, operation: Operation | None) -> bool:
    """Whether it was removed; its operation may be forgotten by now."""
    return record.verb is BrokerVerb.REMOVE and _succeeded(operation)


def _succeeded(operation: Operation | None) -> bool:
    return operation is None or operation.state is OperationState.SUCCEEDED
