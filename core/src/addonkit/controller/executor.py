"""Carries out one decision: asks the addon for a saga, has it run, records the outcome."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from addonkit.controller.addons import addon_of
from addonkit.controller.attempts import Attempts
from addonkit.controller.decide import Action, Decision, retry_time
from addonkit.controller.execution_ids import (
    bind_id,
    bind_ids,
    deprovision_id,
    provision_id,
    provision_ids,
    revocation_id,
    rotation_id,
    rotation_ids,
    unbind_id,
)
from addonkit.controller.rotation import (
    bound_variables,
    forget_former,
    give_up_rotation,
    record_failure,
    switch_credentials,
)
from addonkit.controller.step_context import subject_of, variant_of
from addonkit.controller.variables import resolve_app_names
from addonkit.errors import AddonkitError, ContractViolation, LeaseLost, Retryable, SagaFailed
from addonkit.models.app import App
from addonkit.models.backup_state import BackupState
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.result import BindResult, ProvisionResult
from addonkit.registry.entities import forget_unused_addon

if TYPE_CHECKING:
    from collections.abc import Callable

    from addonkit.controller.requests import Asked
    from addonkit.engine.engine import Engine
    from addonkit.registry.addon import Addon
    from addonkit.registry.registry import Registry
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Store, Transaction
    from addonkit.util.clock import Clock


class Executor:
    """Acts for one instance at a time; the caller holds the instance's lease."""

    def __init__(self, store: Store, registry: Registry, engine: Engine, clock: Clock) -> None:
        self._store = store
        self._registry = registry
        self._engine = engine
        self._clock = clock
        self._attempts = Attempts(engine)
        self._causes: dict[str, AddonkitError] = {}

    def cause(self, instance_id: str) -> AddonkitError | None:
        """Return what this process last saw fail for an instance, with the traceback of the addon's own code."""
        return self._causes.get(instance_id)

    async def execute(self, instance: Instance, decision: Decision, asked: Asked | None = None) -> None:
        """Do one thing. What went wrong is recorded on the entity, not raised; LeaseLost is raised."""
        self._causes.pop(instance.id, None)
        match decision.action:
            case Action.PROVISION:
                await self.provision(instance, asked)
            case Action.DEPROVISION:
                await self.deprovision(instance)
            case Action.BIND:
                assert decision.association is not None  # decide() gives one with this action
                await self.bind(instance, decision.association)
            case Action.UNBIND:
                assert decision.association is not None  # decide() gives one with this action
                await self.unbind(instance, decision.association)
            case Action.CONFIGURE:
                from addonkit.controller.configuring import Configurer

                await Configurer(self._store, self._registry, self._engine, self._causes).configure(instance)
            case Action.ROTATE:
                assert decision.association is not None  # decide() gives one with this action
                await self.rotate(instance, decision.association)
            case Action.REVOKE:
                assert decision.association is not None  # decide() gives one with this action
                await self.revoke(instance, decision.association, decision.generation)
            case Action.NOTHING | Action.WAIT:
                return

    async def provision(self, instance: Instance, asked: Asked | None = None) -> None:
        """Make an instance, or record why it could not be made. Its addon is asked unless it has answered already."""
        instance = await self._begin_provisioning(instance)
        if instance.phase is not Phase.PROVISIONING:
            return
        try:
            addon = addon_of(self._registry, instance)
            if asked is not None and asked.fits(instance):
                saga = asked.saga
            else:
                saga = addon.provision(await self._app(instance.app), variant_of(instance), instance)
            await self._attempts.finish_former(provision_ids(instance), saga, completed=False)
            result = await self._engine.ensure(provision_id(instance), saga, subject=subject_of(instance))
            await self._check_result(addon, result, ProvisionResult, provision_id(instance), saga)
        except LeaseLost:
            raise
        except AddonkitError as error:
            self._causes[instance.id] = error
            await self._provision_failed(instance, error)
            return
        await self._update(
            instance.id,
            lambda now: attrs.evolve(
                now,
                phase=Phase.ACTIVE if now.phase is Phase.PROVISIONING else now.phase,
                variables=result.variables,
                socket_variables=result.socket_variables,
                attributes=result.attributes,
                message="",
                retry_at=None,
                failures=0,
            ),
        )

    def _provision_saga(self, instance: Instance, app: App) -> Saga[ProvisionResult]:
        return addon_of(self._registry, instance).provision(app, variant_of(instance), instance)

    async def _begin_provisioning(self, instance: Instance) -> Instance:
        def begin(now: Instance) -> Instance:
            if now.phase is Phase.ERROR:
                now = attrs.evolve(now, attempt=now.attempt + 1, phase=Phase.PENDING)
            if now.phase is Phase.PENDING:
                return attrs.evolve(now, phase=Phase.PROVISIONING, message="", retry_at=None)
            return now

        return await self._update(instance.id, begin) or instance

    async def _check_result(self, addon: Addon, result: Any, kind: type, execution: str, saga: Any) -> None:
        """An answer outside the contract counts as failure, and what was made is undone."""
        problem = _result_problem(result, kind)
        if problem:
            await self._engine.undo(execution, saga)
            raise ContractViolation(
                f"running {saga.name}",
                problem,
                "report it to the addon's author",
                addon=addon.name,
                distribution=addon.distribution,
                version=addon.version,
            )

    async def _provision_failed(self, instance: Instance, error: AddonkitError) -> None:
        failures = instance.failures + 1
        due = retry_time(failures, self._clock.now()) if _is_transient(error) else None

        def record(now: Instance) -> Instance:
            if now.phase is not Phase.PROVISIONING:
                return now
            return attrs.evolve(now, phase=Phase.ERROR, message=str(error), retry_at=due, failures=failures)

        await self._update(instance.id, record)

    async def deprovision(self, instance: Instance) -> None:
        """Remove an instance with its data, or record why it could not be removed."""
        app = await self._app(instance.app)
        attempts = provision_ids(instance)
        try:
            if await self._attempts.leave_something(attempts, partial(self._provision_saga, instance, app)):
                saga = addon_of(self._registry, instance).deprovision(instance)
                await self._engine.ensure(deprovision_id(instance), saga, subject=subject_of(instance))
            await self._attempts.close(attempts)
        except LeaseLost:
            raise
        except AddonkitError as error:
            self._causes[instance.id] = error
            await self._deprovision_failed(instance, error)
            return
        await self._store.transact(lambda tx: forget_instance(tx, instance))

    async def _deprovision_failed(self, instance: Instance, error: AddonkitError) -> None:
        failures = instance.failures + 1
        due = retry_time(failures, self._clock.now()) if _is_transient(error) else None

        def record(now: Instance) -> Instance:
            return attrs.evolve(now, message=str(error), retry_at=due, failures=failures, teardown=now.teardown + 1)

        await self._update(instance.id, record)

    async def bind(self, instance: Instance, association: Association) -> None:
        """Give an app its variables, with credentials of its own where the addon makes them."""
        given: dict[str, Any] = {"plain": tuple(instance.variables_by(socket=association.socket)), "attributes": {}}
        unset: tuple[str, ...] = ()
        try:
            addon = addon_of(self._registry, instance)
            unset = addon.definition.unset_variables
            if "bind" in addon.capabilities:
                saga = addon.bind(association, instance)
                await self._attempts.finish_former(bind_ids(association), saga)
                result = await self._engine.ensure(
                    bind_id(association), saga, subject=subject_of(instance, association)
                )
                await self._check_result(addon, result, BindResult, bind_id(association), saga)
                given = {**bound_variables(association, result), "attributes": result.attributes}
        except LeaseLost:
            raise
        except AddonkitError as error:
            self._causes[instance.id] = error
            failed = attrs.evolve(association, phase=Phase.ERROR, message=str(error))
            await self._store.transact(lambda tx: _replace(tx, association, failed))
            return
        bound = attrs.evolve(
            association,
            phase=Phase.ACTIVE,
            unset_variables=unset,
            **given,
        )
        await self._store.transact(lambda tx: self._record_bound(tx, association, bound))

    def _record_bound(self, tx: Transaction, before: Association, bound: Association) -> None:
        entity = tx.get(Association, before.id)
        if entity is None:
            return
        if entity.value.phase is not Phase.PENDING:
            # Detached meanwhile: keep what unbinding needs, give no variables.
            tx.put(entity, attrs.evolve(entity.value, plain=bound.plain, attributes=bound.attributes))
            return
        tx.put(entity, bound)
        resolve_app_names(tx, self._registry, bound.app)

    async def rotate(self, instance: Instance, association: Association) -> None:
        """Make the next credentials of an app and switch to them; those that it has stay when that fails."""
        rotation = association.rotation
        assert rotation is not None  # decide() found one
        view = association.of_generation(rotation.generation)
        id = rotation_id(association, rotation.generation)
        subject = subject_of(instance, association, generation=rotation.generation)
        try:
            addon = addon_of(self._registry, instance)
            saga = addon.bind(view, instance)
            result = await self._engine.ensure(id, saga, subject=subject)
            await self._check_result(addon, result, BindResult, id, saga)
        except LeaseLost:
            raise
        except AddonkitError as error:
            self._causes[instance.id] = error
            await self._store.transact(lambda tx: give_up_rotation(tx, association.id))
            return
        await self._store.transact(
            lambda tx: switch_credentials(tx, self._registry, association.id, rotation.generation, result)
        )

    async def revoke(self, instance: Instance, association: Association, generation: int) -> None:
        """Revoke former credentials of an app, or record why that failed."""
        try:
            await self._revoke_generation(instance, association, generation)
        except LeaseLost:
            raise
        except AddonkitError as error:
            self._causes[instance.id] = error
            text = str(error)
            await self._store.transact(lambda tx: record_failure(tx, association.id, generation, text))
            return
        await self._store.transact(lambda tx: forget_former(tx, association.id, generation))

    async def _revoke_generation(self, instance: Instance, association: Association, generation: int) -> None:
        addon = addon_of(self._registry, instance)
        saga = addon.unbind(association.of_generation(generation), instance)
        subject = subject_of(instance, association, generation=generation)
        await self._engine.ensure(revocation_id(association, generation), saga, subject=subject)

    async def unbind(self, instance: Instance, association: Association) -> None:
        """Revoke the credentials of an app and forget its association."""
        try:
            await self._revoke(instance, association)
        except LeaseLost:
            raise
        except AddonkitError as error:
            self._causes[instance.id] = error
            failed = attrs.evolve(association, message=str(error), teardown=association.teardown + 1)
            await self._store.transact(lambda tx: _replace(tx, association, failed))
            return
        await self._store.transact(lambda tx: self._forget_association(tx, association))

    async def _revoke(self, instance: Instance, association: Association) -> None:
        attempts = (*bind_ids(association), *rotation_ids(association))
        if not any([await self._engine.execution(id) for id in attempts]):
            return
        addon = addon_of(self._registry, instance)
        bound = await self._attempts.leave_something(attempts, partial(addon.bind, association, instance))
        if bound and "unbind" in addon.capabilities:
            for former in association.formers:
                await self._revoke_generation(instance, association, former.generation)
            saga = addon.unbind(association, instance)
            await self._engine.ensure(unbind_id(association), saga, subject=subject_of(instance, association))
        await self._attempts.close(attempts)

    def _forget_association(self, tx: Transaction, association: Association) -> None:
        tx.delete(Association, association.id)
        resolve_app_names(tx, self._registry, association.app)
        forget_empty_app(tx, association.app)

    async def _app(self, name: str) -> App:
        entity = await self._store.get(App, name)
        return entity.value if entity else App(name)

    async def _update(self, instance_id: str, change: Callable[[Instance], Instance]) -> Instance | None:
        def decide(tx: Transaction) -> Instance | None:
            entity = tx.get(Instance, instance_id)
            if entity is None:
                return None
            after = change(entity.value)
            return entity.value if after == entity.value else tx.put(entity, after).value

        return await self._store.transact(decide)


def forget_empty_app(tx: Transaction, app: str) -> None:
    """Delete an app that has neither variables nor addons: it was made by its first one. One with branches stays."""
    entity = tx.get(App, app)
    if entity is None or entity.value.branching is not None:
        return
    if not entity.value.variables and not tx.list(Association, {"app": app}, limit=1).items:
        tx.delete(App, app)


def forget_instance(tx: Transaction, instance: Instance) -> None:
    """Delete an instance and its associations, apps that have nothing any more, and what is displayed of its addon."""
    tx.delete(Instance, instance.id)
    if tx.get(BackupState, instance.id) is not None:
        tx.delete(BackupState, instance.id)
    forget_unused_addon(tx, instance.addon)
    for entity in tx.list(Association, {"instance": instance.id}).items:
        tx.delete(Association, entity.name)
        forget_empty_app(tx, entity.value.app)
    forget_empty_app(tx, instance.app)


def _replace(tx: Transaction, before: Association, after: Association) -> None:
    entity = tx.get(Association, before.id)
    if entity is not None and entity.value.phase is before.phase:
        tx.put(entity, after)


def _result_problem(result: Any, kind: type) -> str:
    if not isinstance(result, kind):
        return f"its result is a {type(result).__name__}, not a {kind.__name__}"
    keys = [variable.key for variable in getattr(result, "variables", ())]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    return f"its result names {twice[0]} twice" if twice else ""


def _is_transient(error: AddonkitError) -> bool:
    if isinstance(error, SagaFailed):
        return bool(error.details.get("transient"))
    return isinstance(error, Retryable)
