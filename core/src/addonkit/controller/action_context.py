"""Runs the sagas of actions: an end and the record of its outcome are one transaction, a failure is recorded too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from addonkit.controller.attempts import Attempts
from addonkit.errors import AddonkitError, ContractViolation, LeaseLost

if TYPE_CHECKING:
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
        attempts: looks after former executions.
        clock: gives the time.
        causes: what this process last saw fail, by the ids of instances.
    """

    def __init__(self, registry: Registry, engine: Engine, clock: Clock) -> None:
        self.registry = registry
        self.engine = engine
        self.attempts = Attempts(engine)
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
