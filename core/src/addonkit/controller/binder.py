"""Gives apps their variables, and takes them away: binds and unbinds associations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from addonkit.controller.addons import addon_of
from addonkit.controller.attempts import close_attempts, finish_former, stop_attempts
from addonkit.controller.deletion import forget_empty_app
from addonkit.controller.execution_ids import bind_id, bind_ids, revocation_id, rotation_ids, unbind_id
from addonkit.controller.reconciliation import check_result
from addonkit.controller.rotation import bound_variables
from addonkit.controller.step_context import subject_of
from addonkit.controller.variables import resolve_app_names
from addonkit.errors import AddonkitError
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.result import BindResult

if TYPE_CHECKING:
    from addonkit.controller.reconciliation import Reconciliation
    from addonkit.registry.addon import Addon
    from addonkit.registry.registry import Registry
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Transaction


async def bind(reconciliation: Reconciliation, instance: Instance, association: Association) -> None:
    """Give an app its variables, with credentials of its own where the addon makes them; or record why not.

    Raises:
        LeaseLost: another process works on the instance.
    """

    def record_failure(tx: Transaction, error: AddonkitError) -> None:
        _replace(tx, association, attrs.evolve(association, phase=Phase.ERROR, message=str(error)))

    async with reconciliation.recorded_failure(record_failure):
        addon = addon_of(reconciliation.registry, instance)
        if "bind" in addon.capabilities:
            await _bind(reconciliation, addon, instance, association)
            return
        given = {"plain": tuple(instance.variables_by(socket=association.socket)), "attributes": {}}
        await reconciliation.record(lambda tx: _record_bound(tx, reconciliation.registry, addon, association, given))


async def _bind(reconciliation: Reconciliation, addon: Addon, instance: Instance, association: Association) -> None:
    saga = addon.bind(association, instance)

    def record(tx: Transaction, result: Any) -> None:
        check_result(addon, saga, result, BindResult)
        given = {**bound_variables(association, result), "attributes": result.attributes}
        _record_bound(tx, reconciliation.registry, addon, association, given)

    await finish_former(reconciliation.engine, bind_ids(association), saga)
    await reconciliation.run(bind_id(association), saga, subject_of(instance, association), record)


def _record_bound(
    tx: Transaction, registry: Registry, addon: Addon, before: Association, given: dict[str, Any]
) -> None:
    entity = tx.get(Association, before.id)
    if entity is None:
        return
    if entity.value.phase is not Phase.PENDING:
        # Detached meanwhile: keep what unbinding needs, give no variables.
        tx.put(entity, attrs.evolve(entity.value, plain=given["plain"], attributes=given["attributes"]))
        return
    unset = addon.definition.unset_variables
    tx.put(entity, attrs.evolve(before, phase=Phase.ACTIVE, unset_variables=unset, **given))
    resolve_app_names(tx, registry, before.app)


async def unbind(reconciliation: Reconciliation, instance: Instance, association: Association) -> None:
    """Revoke the credentials of an app and forget its association, or record why that failed.

    Raises:
        LeaseLost: another process works on the instance.
    """

    def record_failure(tx: Transaction, error: AddonkitError) -> None:
        failed = attrs.evolve(association, message=str(error), teardown=association.teardown + 1)
        _replace(tx, association, failed)

    async with reconciliation.recorded_failure(record_failure):
        if not await _revoke(reconciliation, instance, association):
            await reconciliation.record(lambda tx: _forget(tx, reconciliation.registry, association))


async def _revoke(reconciliation: Reconciliation, instance: Instance, association: Association) -> bool:
    """Revoke what was given; return whether the association was forgotten with it."""

    async def bind_saga() -> Saga[BindResult]:
        return addon_of(reconciliation.registry, instance).bind(association, instance)

    left = await stop_attempts(reconciliation.engine, (*bind_ids(association), *rotation_ids(association)), bind_saga)
    addon = addon_of(reconciliation.registry, instance) if left.begun else None
    if addon is None or not left.something or "unbind" not in addon.capabilities:
        await close_attempts(reconciliation.engine, left.unfinished)
        return False
    for former in association.formers:
        await revoke_generation(reconciliation, instance, association, former.generation)
    id, saga = unbind_id(association), addon.unbind(association, instance)
    subject = subject_of(instance, association)
    if left.unfinished:
        await reconciliation.engine.ensure(id, saga, subject=subject)
        await close_attempts(reconciliation.engine, left.unfinished)
        return False
    await reconciliation.run(id, saga, subject, lambda tx, _result: _forget(tx, reconciliation.registry, association))
    return True


def _forget(tx: Transaction, registry: Registry, association: Association) -> None:
    tx.delete(Association, association.id)
    resolve_app_names(tx, registry, association.app)
    forget_empty_app(tx, association.app)


async def revoke_generation(
    reconciliation: Reconciliation, instance: Instance, association: Association, generation: int
) -> None:
    """Revoke the credentials of one generation.

    Raises:
        AddonkitError: as `Engine.ensure`.
    """
    saga = addon_of(reconciliation.registry, instance).unbind(association.of_generation(generation), instance)
    subject = subject_of(instance, association, generation=generation)
    await reconciliation.engine.ensure(revocation_id(association, generation), saga, subject=subject)


def _replace(tx: Transaction, before: Association, after: Association) -> None:
    entity = tx.get(Association, before.id)
    if entity is not None and entity.value.phase is before.phase:
        tx.put(entity, after)
