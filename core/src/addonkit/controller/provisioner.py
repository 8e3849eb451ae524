"""Makes instances, and gives apps their variables: binds associations. `deprovisioner.py` does the opposite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from addonkit.controller.addons import addon_of
from addonkit.controller.attempts import finish_former
from addonkit.controller.decide import retry_time
from addonkit.controller.execution_ids import bind_id, bind_ids, provision_id, provision_ids
from addonkit.controller.reconciliation import change_instance, check_result
from addonkit.controller.rotation import bound_variables
from addonkit.controller.step_context import subject_of, variant_of
from addonkit.controller.variables import resolve_app_names
from addonkit.errors import AddonkitError, Retryable, SagaFailed
from addonkit.models.app import App
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.result import BindResult, ProvisionResult

if TYPE_CHECKING:
    from addonkit.controller.reconciliation import Reconciliation
    from addonkit.controller.requests import Asked
    from addonkit.registry.addon import Addon
    from addonkit.registry.registry import Registry
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Transaction


async def provision(reconciliation: Reconciliation, instance: Instance, asked: Asked | None = None) -> None:
    """Make an instance, or record why it could not be made. Its addon is asked unless it has answered already.

    Raises:
        LeaseLost: another process works on the instance.
    """

    def record_failure(tx: Transaction, error: AddonkitError) -> None:
        change_instance(tx, instance.id, lambda now: _not_made(now, failure_fields(reconciliation, instance, error)))

    async with reconciliation.recorded_failure(record_failure):
        addon = addon_of(reconciliation.registry, instance)
        saga = asked.saga if asked and asked.fits(instance) else await provision_saga(reconciliation, instance)
        await finish_former(reconciliation.engine, provision_ids(instance), saga, completed=False)

        def record(tx: Transaction, result: Any) -> None:
            check_result(addon, saga, result, ProvisionResult)
            change_instance(tx, instance.id, lambda now: _made(now, result))

        await reconciliation.run(provision_id(instance), saga, subject_of(instance), record)


async def provision_saga(reconciliation: Reconciliation, instance: Instance) -> Saga[ProvisionResult]:
    """Ask the addon of an instance how it is made."""
    entity = await reconciliation.store.get(App, instance.app)
    app = entity.value if entity else App(instance.app)
    return addon_of(reconciliation.registry, instance).provision(app, variant_of(instance), instance)


def failure_fields(reconciliation: Reconciliation, instance: Instance, error: AddonkitError) -> dict[str, Any]:
    """Return what an instance shows of a failure, and when it is tried again."""
    failures = instance.failures + 1
    due = retry_time(failures, reconciliation.clock.now()) if _is_transient(error) else None
    return {"message": str(error), "retry_at": due, "failures": failures}


def _made(now: Instance, result: ProvisionResult) -> Instance:
    return attrs.evolve(
        now,
        phase=Phase.ACTIVE if now.phase is Phase.PROVISIONING else now.phase,
        variables=result.variables,
        socket_variables=result.socket_variables,
        attributes=result.attributes,
        message="",
        retry_at=None,
        failures=0,
    )


def _not_made(now: Instance, failure: dict[str, Any]) -> Instance:
    return attrs.evolve(now, phase=Phase.ERROR, **failure) if now.phase is Phase.PROVISIONING else now


def _is_transient(error: AddonkitError) -> bool:
    """Return whether what failed may succeed by itself later."""
    if isinstance(error, SagaFailed):
        return bool(error.details.get("transient"))
    return isinstance(error, Retryable)


async def bind(reconciliation: Reconciliation, instance: Instance, association: Association) -> None:
    """Give an app its variables, with credentials of its own where the addon makes them; or record why not.

    Raises:
        LeaseLost: another process works on the instance.
    """

    def record_failure(tx: Transaction, error: AddonkitError) -> None:
        replace_association(tx, association, attrs.evolve(association, phase=Phase.ERROR, message=str(error)))

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


def replace_association(tx: Transaction, before: Association, after: Association) -> None:
    """Write an association, unless it is in another phase by now, or gone."""
    entity = tx.get(Association, before.id)
    if entity is not None and entity.value.phase is before.phase:
        tx.put(entity, after)
