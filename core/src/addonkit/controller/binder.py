"""Gives apps their variables, and takes them away: binds and unbinds associations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from addonkit.controller.action_context import check_result, close_attempts, finish_former, stop_attempts
from addonkit.controller.addons import addon_of
from addonkit.controller.deletion import forget_empty_app
from addonkit.controller.execution_ids import bind_id, bind_ids, revocation_id, rotation_ids, unbind_id
from addonkit.controller.rotation import bound_variables
from addonkit.controller.step_context import subject_of
from addonkit.controller.variables import resolve_app_names
from addonkit.errors import AddonkitError
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.result import BindResult

if TYPE_CHECKING:
    from addonkit.controller.action_context import ActionContext
    from addonkit.controller.reconciliation import Reconciliation
    from addonkit.registry.addon import Addon
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Transaction


class Binder:
    """Acts for one association at a time; the caller holds the lease of its instance."""

    def __init__(self, context: ActionContext) -> None:
        self._context = context
        self._registry = context.registry

    async def bind(self, reconciliation: Reconciliation, instance: Instance, association: Association) -> None:
        """Give an app its variables, with credentials of its own where the addon makes them; or record why not.

        Raises:
            LeaseLost: another process works on the instance.
        """

        def record_failure(tx: Transaction, error: AddonkitError) -> None:
            _replace(tx, association, attrs.evolve(association, phase=Phase.ERROR, message=str(error)))

        async with self._context.recorded_failure(reconciliation, instance, record_failure):
            addon = addon_of(self._registry, instance)
            if "bind" in addon.capabilities:
                await self._bind(reconciliation, addon, instance, association)
                return
            given = {"plain": tuple(instance.variables_by(socket=association.socket)), "attributes": {}}
            await reconciliation.record(lambda tx: self._record_bound(tx, addon, association, given))

    async def _bind(
        self, reconciliation: Reconciliation, addon: Addon, instance: Instance, association: Association
    ) -> None:
        saga = addon.bind(association, instance)

        def record(tx: Transaction, result: Any) -> None:
            check_result(addon, saga, result, BindResult)
            given = {**bound_variables(association, result), "attributes": result.attributes}
            self._record_bound(tx, addon, association, given)

        await finish_former(self._context.engine, bind_ids(association), saga)
        await self._context.run(reconciliation, bind_id(association), saga, subject_of(instance, association), record)

    def _record_bound(self, tx: Transaction, addon: Addon, before: Association, given: dict[str, Any]) -> None:
        entity = tx.get(Association, before.id)
        if entity is None:
            return
        if entity.value.phase is not Phase.PENDING:
            # Detached meanwhile: keep what unbinding needs, give no variables.
            tx.put(entity, attrs.evolve(entity.value, plain=given["plain"], attributes=given["attributes"]))
            return
        unset = addon.definition.unset_variables
        tx.put(entity, attrs.evolve(before, phase=Phase.ACTIVE, unset_variables=unset, **given))
        resolve_app_names(tx, self._registry, before.app)

    async def unbind(self, reconciliation: Reconciliation, instance: Instance, association: Association) -> None:
        """Revoke the credentials of an app and forget its association, or record why that failed.

        Raises:
            LeaseLost: another process works on the instance.
        """

        def record_failure(tx: Transaction, error: AddonkitError) -> None:
            failed = attrs.evolve(association, message=str(error), teardown=association.teardown + 1)
            _replace(tx, association, failed)

        async with self._context.recorded_failure(reconciliation, instance, record_failure):
            if not await self._revoke(reconciliation, instance, association):
                await reconciliation.record(lambda tx: self._forget(tx, association))

    async def _revoke(self, reconciliation: Reconciliation, instance: Instance, association: Association) -> bool:
        """Revoke what was given; return whether the association was forgotten with it."""

        async def bind_saga() -> Saga[BindResult]:
            return addon_of(self._registry, instance).bind(association, instance)

        left = await stop_attempts(
            self._context.engine, (*bind_ids(association), *rotation_ids(association)), bind_saga
        )
        addon = addon_of(self._registry, instance) if left.begun else None
        if addon is None or not left.something or "unbind" not in addon.capabilities:
            await close_attempts(self._context.engine, left.unfinished)
            return False
        for former in association.formers:
            await self.revoke_generation(instance, association, former.generation)
        id, saga = unbind_id(association), addon.unbind(association, instance)
        subject = subject_of(instance, association)
        if left.unfinished:
            await self._context.engine.ensure(id, saga, subject=subject)
            await close_attempts(self._context.engine, left.unfinished)
            return False
        await self._context.run(reconciliation, id, saga, subject, lambda tx, _result: self._forget(tx, association))
        return True

    def _forget(self, tx: Transaction, association: Association) -> None:
        tx.delete(Association, association.id)
        resolve_app_names(tx, self._registry, association.app)
        forget_empty_app(tx, association.app)

    async def revoke_generation(self, instance: Instance, association: Association, generation: int) -> None:
        """Revoke the credentials of one generation.

        Raises:
            AddonkitError: as `Engine.ensure`.
        """
        saga = addon_of(self._registry, instance).unbind(association.of_generation(generation), instance)
        subject = subject_of(instance, association, generation=generation)
        await self._context.engine.ensure(revocation_id(association, generation), saga, subject=subject)


def _replace(tx: Transaction, before: Association, after: Association) -> None:
    entity = tx.get(Association, before.id)
    if entity is not None and entity.value.phase is before.phase:
        tx.put(entity, after)
