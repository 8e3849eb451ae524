"""Undoes former attempts, and stops, undoes or gives up those that are not wanted any more."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from addonkit.errors import Busy, SagaBlocked, SagaError, SagaRefused
from addonkit.models.execution import Execution, ExecutionStatus
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

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

    async def stop(self, ids: Sequence[str], saga: Callable[[], Awaitable[Saga[Any]]]) -> Left:
        """Stop and undo the attempts that have not ended; return what is left of all of them.

        Args:
            ids: of the attempts.
            saga: gives what they run; asked only when one has not ended.
        """
        # All of them: each may have left something of its own.
        found = [execution for id in ids if (execution := await self._stop(id, saga)) is not None]
        return Left(
            bool(found),
            any(execution.status is not ExecutionStatus.FAILED for execution in found),
            tuple(execution.id for execution in found if not execution.status.finished),
        )

    async def _stop(self, id: str, saga: Callable[[], Awaitable[Saga[Any]]]) -> Execution | None:
        execution = await self._engine.execution(id)
        if execution is None or execution.status.finished:
            return execution
        # What an undo cannot remove, the saga that removes the whole must.
        with contextlib.suppress(SagaBlocked, SagaRefused):
            await self._engine.undo(id, await saga())
        return await self._engine.execution(id)

    async def close(self, ids: Sequence[str]) -> None:
        """Give up attempts that could not be undone, when what they left is gone otherwise."""
        for id in ids:
            execution = await self._engine.execution(id)
            if execution is not None and not execution.status.finished:
                with contextlib.suppress(SagaError, Busy):
                    await self._engine.abandon(id, reason="not needed any more, what it served is removed")


@frozen
class Left:
    """The rest of attempts that are not wanted any more.

    Attributes:
        begun: whether there was any attempt.
        something: whether one may have left something.
        unfinished: ids of those that could not be undone.
    """

    begun: bool
    something: bool
    unfinished: tuple[str, ...]
