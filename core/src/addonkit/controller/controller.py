"""Makes the world match the store, one instance at a time, level-triggered."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from addonkit.controller.decide import Action, Decision
from addonkit.controller.execution_ids import bind_id, provision_id
from addonkit.controller.provisioner import bind, provision
from addonkit.controller.reconciliation import Reconciliation, associations_with, see
from addonkit.controller.retrying import has_failed
from addonkit.models.execution import Execution, ExecutionStatus
from addonkit.models.instance import Association, Instance, Phase

if TYPE_CHECKING:
    from addonkit.controller.garbage_collection import GarbageCollector
    from addonkit.controller.requests import Asked
    from addonkit.engine.engine import Engine
    from addonkit.errors import AddonkitError
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Reader, Store
    from addonkit.store.leases import Leases
    from addonkit.util.clock import Clock


class Controller:
    """Runs decisions until an instance is as it should be."""

    def __init__(self, store: Store, leases: Leases, registry: Registry, engine: Engine, clock: Clock) -> None:
        self._store = store
        self._leases = leases
        self._registry = registry
        self._engine = engine
        self._clock = clock
        self._causes: dict[str, AddonkitError] = {}

    @cached_property
    def _garbage(self) -> GarbageCollector:
        from addonkit.controller.garbage_collection import GarbageCollector as Made

        return Made(self._store, self._leases, self._clock)

    def cause(self, instance_id: str) -> AddonkitError | None:
        """Return what this process last saw fail for an instance, with the traceback of the addon's own code."""
        return self._causes.get(instance_id)

    async def reconcile(self, instance_id: str, asked: Asked | None = None) -> Instance | None:
        """Act until nothing is left to do now; return the instance, or None when it is gone.

        One owner at a time works on an instance: others wait here until it is done, then look again.

        Args:
            instance_id: of the instance.
            asked: what its addon has answered already, so that it is not asked twice.

        Raises:
            LeaseLost: when another process has taken the instance over.
        """
        first = partial(see, instance_id=instance_id, clock=self._clock)
        async with self._leases.hold(f"instance/{instance_id}", within=first) as held:
            reconciliation = Reconciliation(
                self._store, self._registry, self._engine, self._clock, self._causes, held, instance_id
            )
            observed = reconciliation.observed
            while observed.instance is not None and not observed.reconciled:
                await self._act(reconciliation, observed.instance, observed.decision, asked)
                observed = reconciliation.observed
        await self.collect_garbage()
        return observed.instance

    async def collect_garbage(self) -> None:
        """Sweep what is not needed any more, if that is due."""
        await self._garbage.collect()

    async def interrupt(self, instance_id: str) -> None:
        """Stop in any process what is still being made for an instance or tie that is to go."""
        for id in await self._store.read(lambda tx: _unwanted(tx, instance_id)):
            await self._engine.cancel(id)

    async def associations(self, instance_id: str) -> tuple[Association, ...]:
        """Return the associations of an instance, in the order they were made."""
        return await self._store.read(lambda tx: associations_with(tx, instance_id))

    async def failures(self, instance: Instance) -> tuple[str, ...]:
        """Return what went wrong for an instance, and for apps that it is tied to, a sentence each."""
        ties = await self.associations(instance.id)
        return tuple(text for text in (instance.message, *(tie.message for tie in ties if has_failed(tie))) if text)

    async def _act(
        self, reconciliation: Reconciliation, instance: Instance, decision: Decision, asked: Asked | None
    ) -> None:
        """Do one thing. What went wrong is recorded on the entity, not raised.

        Raises:
            LeaseLost: another process works on the instance.
        """
        self._causes.pop(instance.id, None)
        match decision.action:
            case Action.PROVISION:
                await provision(reconciliation, instance, asked)
            case Action.DEPROVISION:
                from addonkit.controller.deprovisioner import deprovision

                await deprovision(reconciliation, instance)
            case Action.BIND:
                await bind(reconciliation, instance, _association(decision))
            case Action.UNBIND:
                from addonkit.controller.deprovisioner import unbind

                await unbind(reconciliation, instance, _association(decision))
            case Action.CONFIGURE:
                from addonkit.controller.configuring import configure

                await configure(reconciliation, instance)
            case Action.ROTATE:
                from addonkit.controller.rotator import rotate

                await rotate(reconciliation, instance, _association(decision))
            case Action.REVOKE:
                from addonkit.controller.rotator import revoke

                await revoke(reconciliation, instance, _association(decision), decision.generation)
            case Action.NOTHING | Action.WAIT:
                return


def _unwanted(tx: Reader, instance_id: str) -> tuple[str, ...]:
    """Return ids of executions that run and make something that is to go."""
    entity = tx.get(Instance, instance_id)
    leaving = [each for each in associations_with(tx, instance_id) if each.phase is Phase.DEPROVISIONING]
    ids = [bind_id(association) for association in leaving]
    if entity is not None and entity.value.phase is Phase.DEPROVISIONING:
        ids.insert(0, provision_id(entity.value))
    found = (tx.get(Execution, id) for id in ids)
    return tuple(each.name for each in found if each is not None and each.value.status is ExecutionStatus.RUNNING)


def _association(decision: Decision) -> Association:
    assert decision.association is not None  # decide() gives one with these actions
    return decision.association
