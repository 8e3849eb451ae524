"""One reconciliation of an instance: what its owner sees there, which sagas it runs, and what it records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs

from addonkit.controller.decide import Action, Decision, decide
from addonkit.controller.variables import by_order
from addonkit.errors import AddonkitError, ContractViolation, LeaseLost
from addonkit.models.instance import Association, Instance, Phase
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.engine.engine import Engine
    from addonkit.registry.addon import Addon
    from addonkit.registry.registry import Registry
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Reader, Store, Transaction
    from addonkit.store.leases import LeaseHandle
    from addonkit.util.clock import Clock

Change = Callable[["Transaction"], object]
"""Part of a transaction."""


@frozen
class Observed:
    """An instance in one state of the store.

    Attributes:
        instance: None when it is gone.
        decision: what is to be done next.
    """

    instance: Instance | None
    decision: Decision

    @property
    def reconciled(self) -> bool:
        """Return whether nothing is left to do now."""
        return self.instance is None or self.decision.action in {Action.NOTHING, Action.WAIT}


class Reconciliation:
    """Runs the sagas of an instance, and records what came of each. The same transaction tells what is to be done next.

    When nothing is, it gives the lease back too.

    Args:
        held: the lease of the instance; what it found is what `see` gave in the transaction that took it.
        instance_id: of the instance.

    Attributes:
        store: where the instance is.
        registry: of addons.
        engine: runs their sagas.
        clock: gives the time.
        causes: what this process last saw fail, by the ids of instances.
        observed: as of the last transaction.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        engine: Engine,
        clock: Clock,
        causes: dict[str, AddonkitError],
        held: LeaseHandle,
        instance_id: str,
    ) -> None:
        self.store = store
        self.registry = registry
        self.engine = engine
        self.clock = clock
        self.causes = causes
        self.observed: Observed = held.found
        self._held = held
        self._id = instance_id
        self._next = self.observed

    async def run(
        self, id: str, saga: Saga[Any], subject: Mapping[str, str], record: Callable[[Transaction, Any], object]
    ) -> None:
        """Run an execution to its end, and record its result in the transaction that journals that end.

        A result outside the contract, for which `record` raises ContractViolation, counts as failure: what was made
        is undone.

        Raises:
            AddonkitError: as `Engine.ensure`; ContractViolation too.
        """

        def conclude(tx: Transaction, result: Any) -> None:
            self._write(tx, lambda inner: record(inner, result))

        try:
            await self.engine.ensure(id, saga, subject=subject, conclude=conclude)
        except ContractViolation:
            await self.engine.undo(id, saga)
            raise
        self._committed()

    @asynccontextmanager
    async def recorded_failure(self, record: Callable[[Transaction, AddonkitError], object]) -> AsyncIterator[None]:
        """Record what goes wrong in the block, and end the block there.

        Raises:
            LeaseLost: another process works on the instance; nothing is recorded.
        """
        try:
            yield
        except LeaseLost:
            raise
        except AddonkitError as error:
            failure = self.causes[self._id] = error
            await self.record(lambda tx: record(tx, failure))

    async def record(self, change: Change) -> None:
        """Write in a transaction of its own."""
        await self.store.transact(lambda tx: self._write(tx, change))
        self._committed()

    def _write(self, tx: Transaction, change: Change) -> None:
        change(tx)
        self._next = see(tx, self._id, self.clock)
        if self._next.reconciled:
            self._held.free(tx)

    def _committed(self) -> None:
        self.observed = self._next
        self._held.freed()


def see(tx: Transaction, instance_id: str, clock: Clock) -> Observed:
    """Look at an instance and decide; one that is to be provisioned is marked as such."""
    entity = tx.get(Instance, instance_id)
    if entity is None:
        return Observed(None, Decision(Action.NOTHING))
    decision = decide(entity.value, associations_with(tx, instance_id), clock.now())
    if decision.action is Action.PROVISION and entity.value.phase is not Phase.PROVISIONING:
        attempt = entity.value.attempt + (entity.value.phase is Phase.ERROR)
        begun = attrs.evolve(entity.value, attempt=attempt, phase=Phase.PROVISIONING, message="", retry_at=None)
        entity = tx.put(entity, begun)
    return Observed(entity.value, decision)


def associations_with(tx: Reader, instance_id: str) -> tuple[Association, ...]:
    """Return the associations of an instance, in the order they were made."""
    found = tx.list(Association, {"instance": instance_id}).items
    return tuple(sorted((each.value for each in found), key=by_order))


def change_instance(tx: Transaction, instance_id: str, change: Callable[[Instance], Instance]) -> None:
    """Replace an instance by what a pure function makes of it; nothing happens when it is gone or stays the same."""
    entity = tx.get(Instance, instance_id)
    after = change(entity.value) if entity else None
    if entity is not None and after is not None and after != entity.value:
        tx.put(entity, after)


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
