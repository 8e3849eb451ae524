"""Removes what the provisioner made: instances, and what apps have of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from addonkit.controller.addons import addon_of
from addonkit.controller.attempts import close_attempts, stop_attempts
from addonkit.controller.deletion import forget_empty_app, forget_instance
from addonkit.controller.execution_ids import (
    bind_ids,
    deprovision_id,
    provision_ids,
    revocation_id,
    rotation_ids,
    unbind_id,
)
from addonkit.controller.provisioner import failure_fields, provision_saga, replace_association
from addonkit.controller.reconciliation import change_instance
from addonkit.controller.step_context import subject_of
from addonkit.controller.variables import resolve_app_names
from addonkit.models.instance import Association, Instance

if TYPE_CHECKING:
    from addonkit.controller.reconciliation import Reconciliation
    from addonkit.errors import AddonkitError
    from addonkit.models.result import BindResult
    from addonkit.registry.registry import Registry
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Transaction


async def deprovision(reconciliation: Reconciliation, instance: Instance) -> None:
    """Remove an instance with its data, or record why it could not be removed.

    Raises:
        LeaseLost: another process works on the instance.
    """

    def record_failure(tx: Transaction, error: AddonkitError) -> None:
        failed = {**failure_fields(reconciliation, instance, error), "teardown": instance.teardown + 1}
        change_instance(tx, instance.id, lambda now: attrs.evolve(now, **failed))

    async with reconciliation.recorded_failure(record_failure):
        if not await _deprovision(reconciliation, instance):
            await reconciliation.record(lambda tx: forget_instance(tx, instance))


async def _deprovision(reconciliation: Reconciliation, instance: Instance) -> bool:
    """Remove what was made; return whether the instance was forgotten with it."""
    left = await stop_attempts(
        reconciliation.engine, provision_ids(instance), lambda: provision_saga(reconciliation, instance)
    )
    if not left.something:
        await close_attempts(reconciliation.engine, left.unfinished)
        return False
    id, saga = deprovision_id(instance), addon_of(reconciliation.registry, instance).deprovision(instance)
    if left.unfinished:
        await reconciliation.engine.ensure(id, saga, subject=subject_of(instance))
        await close_attempts(reconciliation.engine, left.unfinished)
        return False
    await reconciliation.run(id, saga, subject_of(instance), lambda tx, _result: forget_instance(tx, instance))
    return True


async def unbind(reconciliation: Reconciliation, instance: Instance, association: Association) -> None:
    """Revoke the credentials of an app and forget its association, or record why that failed.

    Raises:
        LeaseLost: another process works on the instance.
    """

    def record_failure(tx: Transaction, error: AddonkitError) -> None:
        failed = attrs.evolve(association, message=str(error), teardown=association.teardown + 1)
        replace_association(tx, association, failed)

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
