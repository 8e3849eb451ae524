"""Runs the sagas of actions: an end and the record of its outcome are one transaction, a failure is recorded too.

Undoes former attempts, and stops, undoes or gives up those that are not wanted any more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from addonkit.errors import AddonkitError, Busy, ContractViolation, LeaseLost, SagaBlocked, SagaError, SagaRefused
from addonkit.models.execution import Execution, ExecutionStatus
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from addonkit.controller.reconciliation import Reconciliation
    from addonkit.engine.engine import Engine
    from addonkit.models.instance import Instance
    from addonkit.registry.addon import Addon
    from addonkit.registry.registry import Registry
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Transaction
    from addonkit.util.clock import Clock


class ActionContext:
    """Shared by all that carry out actions.

    Attributes:
        registry: of addons.
        engine: runs their sagas.
        clock: gives the time.
        causes: what this process last saw fail, by the ids of instances.
    """

    def __init__(self, registry: Registry, engine: Engine, clock: Clock) -> None:
        self.registry = registry
        self.engine = engine
        self.clock = clock
        self.causes: dict[str, AddonkitError] = {}

    async def run(
        self,
        reconciliation: Reconciliation,
        id: str,
        saga: Saga[Any],
        subject: Mapping[str, str],
        record: Callable[[Transaction, Any], object],
    ) -> None:
        """Run an execution to its end, and record its result in the transaction that journals that end.

        A result outside the contract, for which `record` raises ContractViolation, counts as failure: what was made
        is undone.

        Raises:
            AddonkitError: as `Engine.ensure`; ContractViolation too.
        """
        try:
            await self.engine.ensure(
                id,
                saga,
                subject=subject,
                conclude=lambda tx, result: reconciliation.write(tx, lambda inner: record(inner, result)),
            )
        except ContractViolation:
            await self.engine.undo(id, saga)
            raise
        reconciliation.committed()

    @asynccontextmanager
    async def recorded_failure(
        self,
        reconciliation: Reconciliation,
        instance: Instance,
        record: Callable[[Transaction, AddonkitError], object],
    ) -> AsyncIterator[None]:
        """Record what goes wrong in the block, and end the block there.

        Raises:
            LeaseLost: another process works on the instance; nothing is recorded.
        """
        try:
            yield
        except LeaseLost:
            raise
        except AddonkitError as error:
            failure = self.causes[instance.id] = error
            await reconciliation.record(lambda tx: record(tx, failure))


def check_result(addon: Addon, saga: Saga[Any], result: Any, kind: type) -> None:
    """Refuse a result outside the contract.

    Raises:
        ContractViolation: naming what is wrong with it.
    """
    problem = _result_problem(result, kind)
    if problem:
        raise ContractViolation(
            f"running {saga.name}",
            problem,
            "report it to the addon's author",
            addon=addon.name,
            distribution=addon.distribution,
            version=addon.version,
        )


def _result_problem(result: Any, kind: type) -> str:
    if not isinstance(result, kind):
        return f"its result is a {type(result).__name__}, not a {kind.__name__}"
    keys = [variable.key for variable in getattr(result, "variables", ())]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    return f"its result names {twice[0]} twice" if twice else ""


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
