"""Finds executions that a process began and left; they are resumed by the next request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.models.execution import Execution, ExecutionStatus

if TYPE_CHECKING:
    from addonkit.store.interface import Store
    from addonkit.store.leases import Leases


async def unfinished(store: Store, leases: Leases) -> tuple[Execution, ...]:
    """Return unfinished executions that no process works on, oldest first."""
    begun: list[Execution] = []
    for status in (ExecutionStatus.RUNNING, ExecutionStatus.UNDOING):
        begun += [entity.value for entity in await store.list(Execution, {"status": status})]
    idle = [execution for execution in begun if not await leases.is_held(f"execution/{execution.id}")]
    return tuple(sorted(idle, key=lambda execution: (str(execution.created), execution.id)))
