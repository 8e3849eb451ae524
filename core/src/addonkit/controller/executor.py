"""Carries out one decision: asks the addon for a saga, has it run, records the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.controller.action_context import ActionContext
from addonkit.controller.binder import Binder
from addonkit.controller.decide import Action, Decision
from addonkit.controller.provisioner import Provisioner

if TYPE_CHECKING:
    from addonkit.controller.reconciliation import Reconciliation
    from addonkit.controller.requests import Asked
    from addonkit.controller.rotator import Rotator
    from addonkit.engine.engine import Engine
    from addonkit.errors import AddonkitError
    from addonkit.models.instance import Association, Instance
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store
    from addonkit.util.clock import Clock


class Executor:
    """Acts for one instance at a time; the caller holds the instance's lease."""

    def __init__(self, store: Store, registry: Registry, engine: Engine, clock: Clock) -> None:
        self._context = ActionContext(registry, engine, clock)
        self._provisioner = Provisioner(self._context, store)
        self._binder = Binder(self._context)

    def cause(self, instance_id: str) -> AddonkitError | None:
        """Return what this process last saw fail for an instance, with the traceback of the addon's own code."""
        return self._context.causes.get(instance_id)

    async def execute(
        self, reconciliation: Reconciliation, instance: Instance, decision: Decision, asked: Asked | None = None
    ) -> None:
        """Do one thing. What went wrong is recorded on the entity, not raised.

        Raises:
            LeaseLost: another process works on the instance.
        """
        self._context.causes.pop(instance.id, None)
        match decision.action:
            case Action.PROVISION:
                await self._provisioner.provision(reconciliation, instance, asked)
            case Action.DEPROVISION:
                await self._provisioner.deprovision(reconciliation, instance)
            case Action.BIND:
                await self._binder.bind(reconciliation, instance, _association(decision))
            case Action.UNBIND:
                await self._binder.unbind(reconciliation, instance, _association(decision))
            case Action.CONFIGURE:
                from addonkit.controller.configuring import Configurer

                await Configurer(self._context).configure(reconciliation, instance)
            case Action.ROTATE:
                await self._rotator().rotate(reconciliation, instance, _association(decision))
            case Action.REVOKE:
                await self._rotator().revoke(reconciliation, instance, _association(decision), decision.generation)
            case Action.NOTHING | Action.WAIT:
                return

    def _rotator(self) -> Rotator:
        from addonkit.controller.rotator import Rotator

        return Rotator(self._context, self._binder)


def _association(decision: Decision) -> Association:
    assert decision.association is not None  # decide() gives one with these actions
    return decision.association
