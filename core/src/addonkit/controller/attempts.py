"""Undoes former attempts of a saga, and stops, undoes or gives up those that are not wanted any more."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from addonkit.errors import Busy, SagaBlocked, SagaError, SagaRefused
from addonkit.models.execution import Execution, ExecutionStatus
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from addonkit.engine.engine import Engine
    from addonkit.saga.saga import Saga


async def finish_former(engine: Engine, ids: Sequence[str], saga: Saga[Any], *, completed: bool = True) -> None:
    """Undo all attempts but the last: a new one begins only when nothing of the former ones is left.

    Args:
        engine: ran them.
        ids: of all attempts, the present one last.
        saga: what they run.
        completed: whether one that was completed is undone too.

    Raises:
        SagaBlocked, SagaRefused: for the first of which something stays.
    """
    for id in ids[:-1]:
        await engine.undo(id, saga, completed=completed)


async def stop_attempts(engine: Engine, ids: Sequence[str], saga: Callable[[], Awaitable[Saga[Any]]]) -> Left:
    """Stop and undo the attempts that have not ended; return what is left of all of them.

    Args:
        engine: ran them.
        ids: of the attempts.
        saga: gives what they run; asked only when one has not ended.
    """
    # All of them: each may have left something of its own.
    found = [execution for id in ids if (execution := await _stop(engine, id, saga)) is not None]
    return Left(
        bool(found),
        any(execution.status is not ExecutionStatus.FAILED for execution in found),
        tuple(execution.id for execution in found if not execution.status.finished),
    )


async def _stop(engine: Engine, id: str, saga: Callable[[], Awaitable[Saga[Any]]]) -> Execution | None:
    execution = await engine.execution(id)
    if execution is None or execution.status.finished:
        return execution
    # What an undo cannot remove, the saga that removes the whole must.
    with suppress(SagaBlocked, SagaRefused):
        await engine.undo(id, await saga())
    return await engine.execution(id)


async def close_attempts(engine: Engine, ids: Sequence[str]) -> None:
    """Give up attempts that could not be undone, when what they left is gone otherwise."""
    for id in ids:
        execution = await engine.execution(id)
        if execution is not None and not execution.status.finished:
            with suppress(SagaError, Busy):
                await engine.abandon(id, reason="not needed any more: its instance is removed")


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
