"""Puts together what people and programs are shown of instances and apps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.controller.execution_ids import bind_id, deprovision_id, provision_id, unbind_id
from addonkit.errors import AddonFault, UnknownAddon
from addonkit.models.app import App
from addonkit.models.compute import Address, Pool
from addonkit.models.execution import Execution, ExecutionStatus
from addonkit.models.instance import Association, Instance, Phase, Server
from addonkit.models.views import NOT_INSTALLED, Environment, EnvironmentEntry, InstanceView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from addonkit.compute.interface import Backend
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store, Transaction


class Viewer:
    """Reads; changes nothing."""

    def __init__(self, store: Store, registry: Registry, backend: Backend) -> None:
        self._store = store
        self._registry = registry
        self._backend = backend

    async def instance(self, instance: Instance) -> InstanceView:
        """An instance with its associations, server and what is being done for it."""
        found = await self._store.list(Association, {"instance": instance.id})
        associations = tuple(sorted((e.value for e in found), key=lambda a: (a.order, a.id)))
        server = await self._store.get(Server, instance.server) if instance.server else None
        pool = await self._store.get(Pool, instance.server) if instance.server else None
        tenants = await self._store.list(Instance, {"server": instance.server}) if instance.server else ()
        return InstanceView(
            instance,
            associations,
            self.addon_state(instance.addon),
            server.value if server else None,
            await self._pool_state(pool.value) if pool else "",
            _address(pool.value) if pool else None,
            len(tenants),
            await self._doing(instance, associations),
        )

    def addon_state(self, addon: str) -> str:
        """`ok`, NOT_INSTALLED, or why the addon cannot be asked."""
        try:
            self._registry.get(addon)
        except UnknownAddon:
            return NOT_INSTALLED
        except AddonFault as error:
            return error.found
        return "ok"

    async def _pool_state(self, pool: Pool) -> str:
        state = await self._backend.observe(pool)
        if state.ready:
            return "running"
        if state.running:
            return "starting"
        return "crashed" if state.started and pool.spec.desired_instances else "stopped"

    async def _doing(self, instance: Instance, associations: Iterable[Association]) -> str:
        ids = [provision_id(instance), deprovision_id(instance)]
        ids += [make(a) for a in associations for make in (bind_id, unbind_id)]
        for execution_id in ids:
            entity = await self._store.get(Execution, execution_id)
            if entity and not entity.value.status.finished:
                return _current_step(entity.value)
        return ""


async def environment(store: Store, app: str) -> Environment | None:
    """What an app receives: its own variables, then those of active associations; None without the app."""
    return await store.transact(lambda tx: _environment(tx, app))


def _environment(tx: Transaction, app: str) -> Environment | None:
    owner = tx.get(App, app)
    if owner is None:
        return None
    manual = [EnvironmentEntry(variable, "manual") for variable in owner.value.variables]
    entries: list[EnvironmentEntry] = []
    pending: list[str] = []
    unset: set[str] = set()
    found = (entity.value for entity in tx.list(Association, {"app": app}).items)
    for association in sorted(found, key=lambda a: (a.order, a.id)):
        entity = tx.get(Instance, association.instance)
        name = entity.value.name if entity else association.instance
        entries += [EnvironmentEntry(variable, name) for variable in association.variables]
        unset.update(association.unset_variables if association.phase is Phase.ACTIVE else ())
        if entity and association.phase in {Phase.PENDING, Phase.ERROR}:
            pending.append(_pending(name, entity.value, association))
    return Environment(app, (*manual, *entries), tuple(pending), tuple(sorted(unset)))


def _pending(name: str, instance: Instance, association: Association) -> str:
    if instance.phase is Phase.ACTIVE:
        return f"{name} ({association.message or association.phase})"
    return f"{name} ({instance.message or instance.phase})"


def _current_step(execution: Execution) -> str:
    if execution.status is ExecutionStatus.BLOCKED:
        return f"blocked: {execution.error}"
    last = execution.events[-1].message if execution.events else execution.saga
    return f"{execution.status}: {last}"


def _address(pool: Pool) -> Address | None:
    for port in pool.spec.ports:
        if port.name in pool.ports:
            return Address(pool.host, pool.ports[port.name])
    return None
