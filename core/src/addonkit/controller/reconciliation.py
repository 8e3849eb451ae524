"""One reconciliation of an instance: what its owner sees there, and what it records."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.decide import Action, Decision, decide
from addonkit.controller.variables import by_order
from addonkit.models.instance import Association, Instance, Phase
from addonkit.util.values import frozen

if TYPE_CHECKING:
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
    """Records what came of a decision. The same transaction tells what is to be done next.

    When nothing is, it gives the lease back too.

    Args:
        store: where the instance is.
        clock: gives the time.
        held: the lease of the instance; what it found is what `see` gave in the transaction that took it.
        instance_id: of the instance.

    Attributes:
        observed: as of the last transaction.
    """

    def __init__(self, store: Store, clock: Clock, held: LeaseHandle, instance_id: str) -> None:
        self.observed: Observed = held.found
        self._store = store
        self._clock = clock
        self._held = held
        self._id = instance_id
        self._next = self.observed

    async def record(self, change: Change) -> None:
        """Write in a transaction of its own."""
        await self._store.transact(lambda tx: self.write(tx, change))
        self.committed()

    def write(self, tx: Transaction, change: Change) -> None:
        """Write as a part of a transaction; call `committed` after it."""
        change(tx)
        self._next = see(tx, self._id, self._clock)
        if self._next.reconciled:
            self._held.free(tx)

    def committed(self) -> None:
        """Take note that the transaction was committed."""
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
