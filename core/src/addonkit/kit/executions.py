"""Executions of sagas, as an operator inspects, retries and abandons them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.engine.outcome import blocked
from addonkit.errors import SagaError, UnknownExecution
from addonkit.models.execution import Execution, ExecutionStatus
from addonkit.models.instance import Instance

if TYPE_CHECKING:
    from addonkit.controller.controller import Controller
    from addonkit.engine.engine import Engine
    from addonkit.kit.operations import Operations
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store


class Executions:
    """Reads the journal; retries through the instance that an execution serves."""

    def __init__(
        self, store: Store, registry: Registry, engine: Engine, operations: Operations, controller: Controller
    ) -> None:
        self._store = store
        self._registry = registry
        self._engine = engine
        self._operations = operations
        self._controller = controller

    async def list(self, *, unfinished: bool = False) -> tuple[Execution, ...]:
        """Return all executions, or those that have not ended, oldest first."""
        found = [entity.value for entity in await self._store.list(Execution)]
        kept = [e for e in found if not (unfinished and e.status.finished)]
        return tuple(sorted(kept, key=lambda e: (str(e.created), e.id)))

    async def get(self, id: str) -> Execution:
        """Return one execution. Raises UnknownExecution when there is none of that id."""
        found = await self._engine.execution(id)
        if found is None:
            raise UnknownExecution(f"cannot find execution {id!r}", "there is none", "see `addonkit saga list`")
        return found

    async def retry(self, id: str) -> Execution:
        """Let a blocked or interrupted execution continue, and return how it ended.

        Raises:
            SagaBlocked: it is blocked again.
            SagaError: it has ended, or is not needed any more.
        """
        execution = await self.get(id)
        self._registry.check_plugins()
        attempted, give_up = f"cannot resume {id}", f"`addonkit saga abandon {id}` gives it up"
        if execution.status.finished:
            raise SagaError(attempted, f"it is {execution.status}", "`addonkit retry` begins an instance anew")
        instance = await self._store.get(Instance, execution.subject.get("instance", ""))
        if instance is None:
            raise SagaError(attempted, "the instance it serves is gone", give_up)
        await self._engine.unblock(id)
        await self._operations.retry(instance.value.name)
        await self._controller.reconcile(instance.name)
        execution = await self.get(id)
        if execution.status is ExecutionStatus.BLOCKED:
            raise blocked(execution)
        if not execution.status.finished:
            raise SagaError(attempted, f"{instance.value.name} does not need it any more", give_up)
        return execution

    async def abandon(self, id: str) -> tuple[str, ...]:
        """Give up the undos that are left; return the names of steps that stay uncompensated."""
        await self.get(id)
        return await self._engine.abandon(id)
