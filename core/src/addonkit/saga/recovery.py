"""What is left of executions: unfinished ones to put back in the queue, old ones to forget. Runs nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from addonkit.models.execution import Execution, ExecutionStatus

if TYPE_CHECKING:
    from addonkit.store.interface import Store, Transaction
    from addonkit.store.leases import Leases

PAGE: Final = 200
"""Records looked at in one transaction, so that others need not wait long for theirs."""


async def unfinished(store: Store, leases: Leases) -> tuple[Execution, ...]:
    """Executions that somebody began and nobody works on, oldest first."""
    begun: list[Execution] = []
    for status in (ExecutionStatus.RUNNING, ExecutionStatus.UNDOING):
        begun += [entity.value for entity in await store.list(Execution, {"status": status})]
    idle = [execution for execution in begun if not await leases.is_held(f"execution/{execution.id}")]
    return tuple(sorted(idle, key=lambda execution: (str(execution.created), execution.id)))


async def sweep(store: Store, now: datetime, keep: timedelta, referenced: Collection[str]) -> int:
    """Forget executions that finished more than `keep` ago.

    Args:
        store: where they are.
        now: the time of day.
        keep: how long a finished execution is kept.
        referenced: ids of executions that something refers to; they stay.

    Returns:
        How many were forgotten.
    """
    swept = 0
    for status in ExecutionStatus:
        if status.finished:
            after: str | None = ""
            while after is not None:
                decide = partial(_sweep_page, where={"status": status}, after=after, before=now - keep, kept=referenced)
                count, after = await store.transact(decide)
                swept += count
    return swept


def _sweep_page(
    tx: Transaction, *, where: Mapping[str, str], after: str, before: datetime, kept: Collection[str]
) -> tuple[int, str | None]:
    """Sweep one page of a listing; how many were forgotten, and where the next page begins."""
    page = tx.list(Execution, where, after=after, limit=PAGE)
    old = [e for e in page.items if e.name not in kept and e.value.finished and e.value.finished < before]
    return sum(tx.delete(Execution, entity.name) for entity in old), page.next
