"""Ends instances: destroys one with all its data, or forgets it where nothing can be removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from addonkit.controller.lookup import lookup_instance
from addonkit.controller.usage import describe_usage
from addonkit.kit.failures import failed, with_reason
from addonkit.models.instance import Instance, Phase
from addonkit.models.views import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from addonkit.controller.controller import Controller
    from addonkit.controller.forgetting import Forgetter
    from addonkit.kit.admission import Admission
    from addonkit.kit.backups import Backups
    from addonkit.kit.operations import Operations
    from addonkit.kit.planner import Planner
    from addonkit.kit.reachability import Reachability
    from addonkit.kit.services import Services
    from addonkit.kit.trash import Trash
    from addonkit.models.trash import TrashedInstance


class Removal:
    """Destroys and forgets instances."""

    def __init__(
        self,
        services: Services,
        operations: Operations,
        admission: Admission,
        reachability: Reachability,
        planner: Callable[[], Planner],
        controller: Controller,
        forgetter: Forgetter,
        backups: Backups,
        trash: Trash,
    ) -> None:
        self._store = services.store
        self._registry = services.registry
        self._engine = services.engine
        self._operations = operations
        self._admission = admission
        self._reachability = reachability
        self._planner = planner
        self._controller = controller
        self._forgetter = forgetter
        self._backups = backups
        self._trash = trash

    async def plan(self, name: str, app: str | None = None, *, now: bool = False) -> Plan:
        """See Kit.plan_destroy."""
        instance = await lookup_instance(self._store, name, app)
        self._admission.check(instance, "destroy")
        plan = await self._planner().destroy(name, app)
        held = await describe_usage(self._registry, self._engine, instance)
        kept = await self._backups.describe(instance.name)
        told = attrs.evolve(plan, lost=(*plan.lost, *held), stays=(*plan.stays, *kept))
        return told if now else await self._trash.plan(told, instance)

    async def destroy(
        self, name: str, app: str | None = None, *, now: bool = False, wait: bool = True
    ) -> TrashedInstance | None:
        """See Kit.destroy."""
        found = await self.check(name, app)
        keep = None if now else await self._trash.keep(found)
        instance = await self._operations.destroy(name, app, keep)
        await self._controller.interrupt(instance.id)
        repeated = found.phase is Phase.DEPROVISIONING
        kept = await self._trash.kept(instance, drop=now) if keep or repeated else None
        if not wait:
            return kept
        left = await self._controller.reconcile(instance.id)
        if left is not None:
            told = await with_reason(self._controller, left)
            raise failed(f"destroying {left.name}", told, forget=True) from self._controller.cause(left.id)
        return kept

    async def check(self, name: str, app: str | None = None) -> Instance:
        """See Kit.check_destroy."""
        found = await lookup_instance(self._store, name, app)
        await self._admission.admit_destroy(found)
        await self._reachability.check_destroy(found)
        return found

    async def plan_forget(self, name: str, app: str | None = None) -> Plan:
        """See Kit.plan_forget."""
        instance = await lookup_instance(self._store, name, app)
        ties = await self._controller.associations(instance.id)
        vanish = tuple(f"{a.app}: {variable.key}" for a in ties for variable in a.variables)
        stays = await self._forgetter.remains(instance)
        return Plan(f"{instance.name} would be forgotten; nothing would be removed", vanish=vanish, stays=stays)

    async def forget(self, name: str, app: str | None = None) -> tuple[str, ...]:
        """See Kit.forget."""
        await self._admission.admit_forget(await lookup_instance(self._store, name, app))
        instance = await self._operations.destroy(name, app)
        await self._controller.interrupt(instance.id)
        return await self._forgetter.forget(instance.id)
