"""Executions that serve an instance or an association, attempt by attempt: their ids, and what is left of them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit.errors import Busy, SagaBlocked, SagaError, SagaRefused
from addonkit.models.execution import ExecutionStatus
from addonkit.models.identifiers import new_id
from addonkit.models.instance import Association, Instance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from addonkit.engine.engine import Engine
    from addonkit.saga.saga import Saga


_ONCE: Final = "once/"


def provision_id(instance: Instance) -> str:
    """Id of the execution that provisions the instance, in its present attempt."""
    return f"provision/{instance.id}/{instance.attempt}"


def deprovision_id(instance: Instance) -> str:
    """Id of the execution that deprovisions the instance, in its present attempt."""
    return f"deprovision/{instance.id}/{instance.teardown}"


def bind_id(association: Association) -> str:
    """Id of the execution that binds the association, in its present attempt."""
    return f"bind/{association.id}/{association.attempt}"


def unbind_id(association: Association) -> str:
    """Id of the execution that unbinds the association, in its present attempt."""
    return f"unbind/{association.id}/{association.teardown}"


def provision_ids(instance: Instance) -> tuple[str, ...]:
    """Ids of all attempts to provision the instance, the present one last."""
    return tuple(provision_id(attrs.evolve(instance, attempt=n + 1)) for n in range(instance.attempt))


def bind_ids(association: Association) -> tuple[str, ...]:
    """Ids of all attempts to bind the association, the present one last."""
    return tuple(bind_id(attrs.evolve(association, attempt=n + 1)) for n in range(association.attempt))


def once_id(what: str, of: str) -> str:
    """Id of an execution that nobody asks for again: a question, or an act of an operator.

    Args:
        what: is done, in one word.
        of: id of whom it concerns.
    """
    return f"{_ONCE}{what}/{of}/{new_id()}"


def is_once(id: str) -> bool:
    """Whether an id was made by `once_id`."""
    return id.startswith(_ONCE)


class Attempts:
    """Looks after executions that are not the present attempt any more, or not wanted any more."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def finish_former(self, ids: Sequence[str], saga: Saga[Any]) -> None:
        """Undo all attempts but the last: a new one begins only when nothing of the former ones is left.

        Raises:
            SagaBlocked, SagaRefused: for the first of which something stays.
        """
        for id in ids[:-1]:
            await self._engine.undo(id, saga)

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
