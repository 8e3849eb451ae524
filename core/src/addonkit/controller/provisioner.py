"""Makes instances and removes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from addonkit.controller.action_context import check_result, close_attempts, finish_former, stop_attempts
from addonkit.controller.addons import addon_of
from addonkit.controller.decide import retry_time
from addonkit.controller.deletion import forget_instance
from addonkit.controller.execution_ids import deprovision_id, provision_id, provision_ids
from addonkit.controller.reconciliation import change_instance
from addonkit.controller.step_context import subject_of, variant_of
from addonkit.errors import AddonkitError, Retryable, SagaFailed
from addonkit.models.app import App
from addonkit.models.instance import Instance, Phase
from addonkit.models.result import ProvisionResult

if TYPE_CHECKING:
    from addonkit.controller.action_context import ActionContext
    from addonkit.controller.reconciliation import Reconciliation
    from addonkit.controller.requests import Asked
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Store, Transaction


class Provisioner:
    """Acts for one instance at a time; the caller holds the instance's lease."""

    def __init__(self, context: ActionContext, store: Store) -> None:
        self._context = context
        self._store = store

    async def provision(self, reconciliation: Reconciliation, instance: Instance, asked: Asked | None = None) -> None:
        """Make an instance, or record why it could not be made. Its addon is asked unless it has answered already.

        Raises:
            LeaseLost: another process works on the instance.
        """

        def record_failure(tx: Transaction, error: AddonkitError) -> None:
            change_instance(tx, instance.id, lambda now: _not_made(now, self._failure(instance, error)))

        async with self._context.recorded_failure(reconciliation, instance, record_failure):
            addon = addon_of(self._context.registry, instance)
            saga = asked.saga if asked is not None and asked.fits(instance) else await self._saga(instance)
            await finish_former(self._context.engine, provision_ids(instance), saga, completed=False)

            def record(tx: Transaction, result: Any) -> None:
                check_result(addon, saga, result, ProvisionResult)
                change_instance(tx, instance.id, lambda now: _made(now, result))

            await self._context.run(reconciliation, provision_id(instance), saga, subject_of(instance), record)

    async def deprovision(self, reconciliation: Reconciliation, instance: Instance) -> None:
        """Remove an instance with its data, or record why it could not be removed.

        Raises:
            LeaseLost: another process works on the instance.
        """

        def record_failure(tx: Transaction, error: AddonkitError) -> None:
            failed = {**self._failure(instance, error), "teardown": instance.teardown + 1}
            change_instance(tx, instance.id, lambda now: attrs.evolve(now, **failed))

        async with self._context.recorded_failure(reconciliation, instance, record_failure):
            if not await self._deprovision(reconciliation, instance):
                await reconciliation.record(lambda tx: forget_instance(tx, instance))

    async def _deprovision(self, reconciliation: Reconciliation, instance: Instance) -> bool:
        """Remove what was made; return whether the instance was forgotten with it."""
        left = await stop_attempts(self._context.engine, provision_ids(instance), lambda: self._saga(instance))
        if not left.something:
            await close_attempts(self._context.engine, left.unfinished)
            return False
        id, saga = deprovision_id(instance), addon_of(self._context.registry, instance).deprovision(instance)
        if left.unfinished:
            await self._context.engine.ensure(id, saga, subject=subject_of(instance))
            await close_attempts(self._context.engine, left.unfinished)
            return False
        await self._context.run(
            reconciliation, id, saga, subject_of(instance), lambda tx, _result: forget_instance(tx, instance)
        )
        return True

    async def _saga(self, instance: Instance) -> Saga[ProvisionResult]:
        entity = await self._store.get(App, instance.app)
        app = entity.value if entity else App(instance.app)
        return addon_of(self._context.registry, instance).provision(app, variant_of(instance), instance)

    def _failure(self, instance: Instance, error: AddonkitError) -> dict[str, Any]:
        failures = instance.failures + 1
        due = retry_time(failures, self._context.clock.now()) if _is_transient(error) else None
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
