"""Makes instances and removes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from addonkit.controller.addons import addon_of
from addonkit.controller.attempts import close_attempts, finish_former, stop_attempts
from addonkit.controller.decide import retry_time
from addonkit.controller.deletion import forget_instance
from addonkit.controller.execution_ids import deprovision_id, provision_id, provision_ids
from addonkit.controller.reconciliation import change_instance, check_result
from addonkit.controller.step_context import subject_of, variant_of
from addonkit.errors import AddonkitError, Retryable, SagaFailed
from addonkit.models.app import App
from addonkit.models.instance import Instance, Phase
from addonkit.models.result import ProvisionResult

if TYPE_CHECKING:
    from addonkit.controller.reconciliation import Reconciliation
    from addonkit.controller.requests import Asked
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Transaction


async def provision(reconciliation: Reconciliation, instance: Instance, asked: Asked | None = None) -> None:
    """Make an instance, or record why it could not be made. Its addon is asked unless it has answered already.

    Raises:
        LeaseLost: another process works on the instance.
    """

    def record_failure(tx: Transaction, error: AddonkitError) -> None:
        change_instance(tx, instance.id, lambda now: _not_made(now, _failure(reconciliation, instance, error)))

    async with reconciliation.recorded_failure(record_failure):
        addon = addon_of(reconciliation.registry, instance)
        saga = asked.saga if asked is not None and asked.fits(instance) else await _saga(reconciliation, instance)
        await finish_former(reconciliation.engine, provision_ids(instance), saga, completed=False)

        def record(tx: Transaction, result: Any) -> None:
            check_result(addon, saga, result, ProvisionResult)
            change_instance(tx, instance.id, lambda now: _made(now, result))

        await reconciliation.run(provision_id(instance), saga, subject_of(instance), record)


async def deprovision(reconciliation: Reconciliation, instance: Instance) -> None:
    """Remove an instance with its data, or record why it could not be removed.

    Raises:
        LeaseLost: another process works on the instance.
    """

    def record_failure(tx: Transaction, error: AddonkitError) -> None:
        failed = {**_failure(reconciliation, instance, error), "teardown": instance.teardown + 1}
        change_instance(tx, instance.id, lambda now: attrs.evolve(now, **failed))

    async with reconciliation.recorded_failure(record_failure):
        if not await _deprovision(reconciliation, instance):
            await reconciliation.record(lambda tx: forget_instance(tx, instance))


async def _deprovision(reconciliation: Reconciliation, instance: Instance) -> bool:
    """Remove what was made; return whether the instance was forgotten with it."""
    left = await stop_attempts(reconciliation.engine, provision_ids(instance), lambda: _saga(reconciliation, instance))
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


async def _saga(reconciliation: Reconciliation, instance: Instance) -> Saga[ProvisionResult]:
    entity = await reconciliation.store.get(App, instance.app)
    app = entity.value if entity else App(instance.app)
    return addon_of(reconciliation.registry, instance).provision(app, variant_of(instance), instance)


def _failure(reconciliation: Reconciliation, instance: Instance, error: AddonkitError) -> dict[str, Any]:
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
