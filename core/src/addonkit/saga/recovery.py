"""What is left of executions: unfinished ones to put back in the queue, old ones to forget. Runs nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from addonkit.models.execution import Execution, ExecutionStatus

if TYPE_CHECKING:
    from addonkit.store.interface import Store, Transaction
    from addonkit.store.leases import Leases

BATCH: Final = 200
"""Records deleted in one transaction."""


async def unfinished(store: Store, leases: Leases) -> tuple[Execution, ...]:
    """Executions that somebody began and nobody works on, oldest first."""
    begun: list[Execution] = []
    for status in (ExecutionStatus.RUNNING, ExecutionStatus.UNDOING):
        begun += [entity.value for entity in await store.list(Execution, {"status": status})]
    idle = [execution for execution in begun if not await leases.is_held(f"execution/{execution.id}")]
    return tuple(sorted(idle, key=lambda execution: (str(execution.created), execution.id)))


async def sweep(store: Store, now: datetime, keep: timedelta, referenced: Collection[str]) -> int:
    """Forget executions that finished more than `keep` ago and that nothing refers to; how many."""
    swept = 0
    while True:
        count = await store.transact(lambda tx: _sweep_batch(tx, now - keep, referenced))
        swept += count
        if count < BATCH:
            return swept


def _sweep_batch(tx: Transaction, before: datetime, referenced: Collection[str]) -> int:
    count = 0
    for status in (ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.ABANDONED):
        for entity in tx.list(Execution, {"status": status}).items:
            ended = entity.value.finished
            if count < BATCH and ended is not None and ended < before and entity.name not in referenced:
                count += tx.delete(Execution, entity.name)
    return count
