"""Undoes or gives up executions of attempts that are not the present one, or not wanted any more."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from addonkit.errors import Busy, SagaBlocked, SagaError, SagaRefused
from addonkit.models.execution import ExecutionStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from addonkit.engine.engine import Engine
    from addonkit.saga.saga import Saga


class Attempts:
    """Looks after executions that are not the present attempt any more, or not wanted any more."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def finish_former(self, ids: Sequence[str], saga: Saga[Any], *, completed: bool = True) -> None:
        """Undo all attempts but the last: a new one begins only when nothing of the former ones is left.

        Args:
            ids: of all attempts, the present one last.
            saga: what they run.
            completed: whether one that was completed is undone too.

        Raises:
            SagaBlocked, SagaRefused: for the first of which something stays.
        """
        for id in ids[:-1]:
            await self._engine.undo(id, saga, completed=completed)

    async def leave_something(self, ids: Sequence[str], saga: Callable[[], Saga[Any]]) -> bool:
        """Whether any attempt may have left something. Those that have not ended are stopped and undone first.

        Args:
            ids: of the attempts.
            saga: gives what they run; asked only when one has not ended.
        """
        # All of them: each may have left something of its own.
        return any([await self._leaves_something(id, saga) for id in ids])

    async def _leaves_something(self, id: str, saga: Callable[[], Saga[Any]]) -> bool:
        execution = await self._engine.execution(id)
        if execution is not None and not execution.status.finished:
            # What an undo cannot remove, the saga that removes the whole must.
            with contextlib.suppress(SagaBlocked, SagaRefused):
                await self._engine.undo(id, saga())
            execution = await self._engine.execution(id)
        return execution is not None and execution.status is not ExecutionStatus.FAILED

    async def close(self, ids: Sequence[str]) -> None:
        """Give up attempts that could not be undone, when what they left is gone otherwise."""
        for id in ids:
            execution = await self._engine.execution(id)
            if execution is not None and not execution.status.finished:
                with contextlib.suppress(SagaError, Busy):
                    await self._engine.abandon(id, reason="not needed any more, what it served is removed")
