"""Puts together what people and programs are shown of instances and apps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from addonkit.controller.execution_ids import bind_id, deprovision_id, provision_id, unbind_id
from addonkit.controller.lookup import get_app
from addonkit.controller.variables import associations_of, by_order
from addonkit.errors import AddonFault, UnknownAddon
from addonkit.models.address import Address
from addonkit.models.backup_state import BackupState
from addonkit.models.compute import Pool, PoolState
from addonkit.models.definition import CONFIG_PROGRAMS
from addonkit.models.execution import Execution, ExecutionStatus
from addonkit.models.instance import Association, Instance, Phase, Server
from addonkit.models.options import LISTEN
from addonkit.models.storage import StorageUse
from addonkit.models.views import MANUAL, NOT_INSTALLED, BoundService, Environment, EnvironmentEntry, InstanceView

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from addonkit.compute.interface import Backend
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Reader, Store
    from addonkit.store.leases import Leases
    from addonkit.util.clock import Clock

_UNDER_WAY: Final = frozenset({Phase.PENDING, Phase.PROVISIONING, Phase.ACTIVE})
"""Phases of instances whose variables appear without an action of the user."""

_FEW: Final = 100
"""Instances that are looked up one by one: the cost of a part of a list does not grow with the list."""

_NO_SERVER: Final[tuple[Server | None, str, Address | None, str, tuple[str, ...]]] = (None, "", None, "", ())


class Viewer:
    """Reads; changes nothing."""

    def __init__(self, store: Store, registry: Registry, backend: Backend, leases: Leases, clock: Clock) -> None:
        self._clock = clock
        self._store = store
        self._registry = registry
        self._backend = backend
        self._leases = leases

    async def instance(self, instance: Instance) -> InstanceView:
        """Return an instance with its associations, server and what is being done for it."""
        return (await self.instances((instance,)))[0]

    async def instances(self, instances: Sequence[Instance]) -> tuple[InstanceView, ...]:
        """Return several views, in the given order. Looks at each server once, and at all of them side by side."""
        ids = {instance.id for instance in instances}
        names = sorted({instance.server for instance in instances} - {""})
        ties, tenants, backups, disks, unfinished = await self._store.read(
            lambda tx: (
                found := _ties(tx, ids),
                _tenant_counts(tx, names),
                _backup_states(tx, ids),
                _disks(tx, names),
                _unfinished(tx, instances, found),
            )
        )
        servers = dict(zip(names, await asyncio.gather(*map(self._server, names)), strict=True))
        kinds = {(each.addon, each.distribution) for each in instances}
        now = self._clock.now()
        addons = {kind: self.addon_state(*kind) for kind in kinds}
        return tuple(
            [
                InstanceView(
                    each,
                    ties[each.id],
                    addons[each.addon, each.distribution],
                    *servers.get(each.server, _NO_SERVER)[:2],
                    _reached(servers.get(each.server, _NO_SERVER)[2], each),
                    tenants.get(each.server, 0),
                    await self._doing(each, unfinished.get(each.id)),
                    *servers.get(each.server, _NO_SERVER)[3:],
                    backups[each.id].troubles(now, each.name) if each.id in backups else (),
                    storage=disks.get(each.server),
                )
                for each in instances
            ]
        )

    def addon_state(self, addon: str, distribution: str = "") -> str:
        """Return `ok`, NOT_INSTALLED, or why the addon cannot be asked."""
        try:
            self._registry.get(addon, distribution)
        except UnknownAddon:
            return NOT_INSTALLED
        except AddonFault as error:
            return error.found
        return "ok"

    async def _server(self, server_id: str) -> tuple[Server | None, str, Address | None, str, tuple[str, ...]]:
        found, pool = await self._store.get(Server, server_id), await self._store.get(Pool, server_id)
        server = found.value if found else None
        if pool is None:
            return server, "", None, "", ()
        state = await self._backend.observe(pool.value)
        newer = await self._backend.newer_program(pool.value, state) if state.ready else ""
        return server, _word_for(pool.value, state), pool.value.address, newer, state.strangers

    async def _doing(self, instance: Instance, execution: Execution | None) -> str:
        """Return what is under way; empty for most, which are complete and cost nothing more."""
        if execution is None:
            return ""
        held = await self._leases.is_held(f"instance/{instance.id}")
        return _current_step(execution, instance.name, interrupted=not held)


def _reached(address: Address | None, instance: Instance) -> Address | None:
    """Return where apps find the server of an instance."""
    return address.listening(instance.config.get(LISTEN, "")) if address else None


def _unfinished(
    tx: Reader, instances: Sequence[Instance], ties: Mapping[str, Sequence[Association]]
) -> dict[str, Execution]:
    """Return the first execution of each instance that has not ended; most instances have none."""
    found = {}
    for instance in instances:
        tied = ties[instance.id]
        if instance.phase is Phase.ACTIVE and all(tie.phase is Phase.ACTIVE for tie in tied):
            continue
        ids = [provision_id(instance), deprovision_id(instance)]
        ids += [make(tie) for tie in tied for make in (bind_id, unbind_id)]
        executions = (tx.get(Execution, each) for each in ids)
        running = next((each.value for each in executions if each and not each.value.status.finished), None)
        if running is not None:
            found[instance.id] = running
    return found


def _word_for(pool: Pool, state: PoolState) -> str:
    if state.ready:
        return "running"
    if state.problem:
        return "unknown"
    if state.running:
        return "starting"
    return "crashed" if state.started and pool.spec.desired_instances else "stopped"


def _backup_states(tx: Reader, instances: Collection[str]) -> dict[str, BackupState]:
    """Return what is known of the backups of instances; reads a few one by one, many out of all there are."""
    if len(instances) <= _FEW:
        states = (tx.get(BackupState, each) for each in instances)
        return {found.name: found.value for found in states if found}
    return {each.name: each.value for each in tx.list(BackupState).items}


def _disks(tx: Reader, servers: Collection[str]) -> dict[str, StorageUse]:
    """Return what was last seen of the disks of servers, each asked for by itself."""
    found = (tx.get(StorageUse, name) for name in servers)
    return {each.name: each.value for each in found if each is not None}


def _ties(tx: Reader, instances: Collection[str]) -> dict[str, tuple[Association, ...]]:
    """Return the associations of instances. A few are asked for by themselves, many come out of all there are."""
    found: dict[str, list[Association]] = {each: [] for each in instances}
    only = [{"instance": each} for each in instances] if len(instances) <= _FEW else [None]
    for entity in (entity for where in only for entity in tx.list(Association, where).items):
        if entity.value.instance in found:
            found[entity.value.instance].append(entity.value)
    return {each: tuple(sorted(ties, key=by_order)) for each, ties in found.items()}


def _tenant_counts(tx: Reader, servers: Collection[str]) -> dict[str, int]:
    return {each: len(tx.list(Instance, {"server": each}).items) for each in servers}


async def environment(store: Store, app: str, without: Collection[str] = ()) -> Environment:
    """Return what an app receives: its own variables, then those of active associations.

    Args:
        store: that holds them.
        app: its name.
        without: names of instances that are left out.

    Raises:
        UnknownApp: there is no such app.
    """
    return await store.read(lambda tx: _environment(tx, app, without))


def _environment(tx: Reader, app: str, without: Collection[str]) -> Environment:
    owner = get_app(tx, app, f"cannot show the environment of {app}").value
    entries = [EnvironmentEntry(variable, MANUAL) for variable in owner.variables]
    pending: list[str] = []
    failed: dict[str, str] = {}
    unset: set[str] = set()
    programs: dict[str, None] = {}
    services: list[BoundService] = []
    for association in associations_of(tx, app):
        entity = tx.get(Instance, association.instance)
        name = entity.value.name if entity else association.instance
        if name in without:
            continue
        entries += [EnvironmentEntry(variable, name) for variable in association.variables]
        programs |= {entity.value.config[CONFIG_PROGRAMS]: None} if entity and _has_programs(entity.value) else {}
        if entity and association.phase is Phase.ACTIVE:
            unset.update(association.unset_variables)
            services.append(bound_service(entity.value, association))
        if entity and association.phase is Phase.PENDING and entity.value.phase in _UNDER_WAY:
            pending.append(name)
        elif entity and association.phase in {Phase.PENDING, Phase.ERROR}:
            failed[name] = _reason(entity.value, association)
    names = tuple(sorted(unset))
    return Environment(app, tuple(entries), tuple(pending), names, failed, tuple(programs), tuple(services))


def bound_service(instance: Instance, association: Association) -> BoundService:
    """Return how an app uses an instance."""
    return BoundService(instance.name, instance.addon, instance.variant, association.alias, association.plain)


def _has_programs(instance: Instance) -> bool:
    return bool(instance.config.get(CONFIG_PROGRAMS))


def _reason(instance: Instance, association: Association) -> str:
    if instance.phase is Phase.ACTIVE:
        return association.message or str(association.phase)
    return instance.message or str(instance.phase)


def _current_step(execution: Execution, name: str, *, interrupted: bool) -> str:
    if execution.status is ExecutionStatus.BLOCKED:
        return f"blocked: {execution.error}"
    if interrupted:
        return f"interrupted; run `addonkit retry {name}` to continue"
    last = execution.events[-1].message if execution.events else execution.saga
    return f"{execution.status}: {last}"
