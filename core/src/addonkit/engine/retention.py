"""Removes the records of executions that finished long ago."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from addonkit.engine.cancellation import forget_cancellation
from addonkit.models.execution import Execution
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.store.interface import Store, Transaction

PAGE: Final = 200
"""Records looked at in one transaction, so that others need not wait long for theirs."""


@frozen
class SweepResult:
    """The result of a sweep.

    Attributes:
        count: how many executions were forgotten.
        next: where to continue; empty at the end.
    """

    count: int
    next: str


Retention = Callable[[Execution], timedelta | None]
"""How long a finished execution is kept; None for as long as something may refer to it."""


async def sweep(
    store: Store, now: datetime, lasting: Retention, *, after: str = "", pages: int | None = None
) -> SweepResult:
    """Forget executions that finished longer ago than they are to last.

    Args:
        store: where they are.
        now: the time of day.
        lasting: how long each is kept.
        after: where to begin: what an earlier sweep answered as `next`.
        pages: how many records to look at, in pages of PAGE; all when None.
    """
    swept, cursor = 0, after
    while pages is None or pages > 0:
        count, following = await store.transact(partial(_sweep_page, after=cursor, now=now, lasting=lasting))
        swept, cursor = swept + count, following or ""
        if not cursor:
            break
        pages = None if pages is None else pages - 1
    return SweepResult(swept, cursor)


def _sweep_page(tx: Transaction, *, after: str, now: datetime, lasting: Retention) -> tuple[int, str | None]:
    """Sweep one page; how many were forgotten, and where the next page begins."""
    page = tx.list(Execution, after=after, limit=PAGE)
    old = [entity.name for entity in page.items if _is_over(entity.value, now, lasting)]
    for name in old:
        tx.delete(Execution, name)
        forget_cancellation(tx, name)
    return len(old), page.next


def _is_over(execution: Execution, now: datetime, lasting: Retention) -> bool:
    if not execution.status.finished or execution.finished is None:
        return False
    age = lasting(execution)
    return age is not None and execution.finished < now - age
