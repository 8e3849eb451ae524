"""Plans an operation without doing it: the steps of its sagas and the names it would move."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.lookup import find_association, find_instance
from addonkit.controller.naming import moved_from_plain, moves, resolve_names
from addonkit.controller.requests import Request, new_instance
from addonkit.controller.variables import adjuster, associations_of
from addonkit.kit.admission import ask_to_bind, ask_to_provision, ask_to_unbind, new_association
from addonkit.kit.operations import describe_data_loss
from addonkit.models.app import App
from addonkit.models.definition import CONFIG_IMAGE, CONFIG_VERSION, is_shared_variant
from addonkit.models.execution import Execution
from addonkit.models.instance import Association, Instance, Phase, Server, ServerPhase
from addonkit.models.variable import Variable, VariableMove
from addonkit.models.views import Plan, PlannedStep
from addonkit.provider.server_sagas import ensure_id

if TYPE_CHECKING:
    from addonkit.registry.registry import Registry
    from addonkit.saga.step import StepSequence
    from addonkit.store.interface import Reader, Store


class Planner:
    """Asks the addons for their sagas and shows them; reads the store, writes nothing."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    async def create(self, request: Request) -> Plan:
        """Return what a checked request would do."""
        addon = self._registry.get(request.addon, request.distribution)
        instance = new_instance(request)
        association = new_association(instance, request.app, request.alias, socket=request.socket)
        made = await self._store.read(lambda tx: _server_sagas_done(tx, instance))
        steps = list(planned_steps(ask_to_provision(self._registry, request).saga, skip=made))
        bind = ask_to_bind(self._registry, request)
        if bind is not None:
            steps += planned_steps(bind, skip=made)
        keys = addon.definition.variables_of(request.variant, request.config)
        appear, move = await self._store.read(lambda tx: self._names(tx, association, keys))
        summary = f"{instance.name} would be created as {request.addon}:{request.variant}"
        return Plan(summary, tuple(steps), appear, move)

    async def attach(self, instance: Instance, tie: Association, *, known: Association | None) -> Plan:
        """Return what a checked attach would do; `known` is the tie of the app that there is already."""
        if known is not None:
            keys = tuple(variable.key for variable in known.variables)
            return Plan(f"{tie.app} is attached to {instance.name} already", stays=keys)
        addon = self._registry.get(instance.addon, instance.distribution)
        steps = planned_steps(addon.bind(tie, instance)) if "bind" in addon.capabilities else ()
        keys = tuple(addon.definition.variables_of(instance.variant, instance.config))
        appear, move = await self._store.read(lambda tx: self._names(tx, tie, keys))
        return Plan(f"{tie.app} would receive the variables of {instance.name}", tuple(steps), appear, move)

    async def detach(self, name: str, app: str) -> Plan:
        """Return what detaching an app would do."""
        instance, tie = await self._store.read(lambda tx: find_association(tx, name, app))
        addon = self._registry.get(instance.addon, instance.distribution)
        steps = [each for saga in ask_to_unbind(addon, instance, (tie,)) for each in planned_steps(saga)]
        vanish = tuple(f"{app}: {variable.key}" for variable in tie.variables)
        stays = (f"{instance.name} and its data",)
        return Plan(f"{app} would be detached from {instance.name}", tuple(steps), vanish=vanish, stays=stays)

    async def destroy(self, name: str, app: str | None = None) -> Plan:
        """Return what destroying an instance would do and lose."""
        instance, associations = await self._store.read(lambda tx: _instance_and_ties(tx, name, app))
        addon = self._registry.get(instance.addon, instance.distribution)
        steps: list[PlannedStep] = []
        for saga in ask_to_unbind(addon, instance, associations):
            steps += planned_steps(saga)
        others = await self._store.read(lambda tx: _neighbours(tx, instance))
        steps += planned_steps(addon.deprovision(instance), nested=not others)
        vanish = tuple(f"{a.app}: {variable.key}" for a in associations for variable in a.variables)
        lost = describe_data_loss(instance, [a.app for a in associations])
        return Plan(f"{instance.name} would be destroyed", tuple(steps), vanish=vanish, lost=lost)

    def _names(
        self, tx: Reader, new: Association, keys: Iterable[str]
    ) -> tuple[tuple[str, ...], tuple[VariableMove, ...]]:
        """Return names that an addon would give to an app, and those that would move for it."""
        owner = tx.get(App, new.app)
        manual = {variable.key for variable in owner.value.variables} if owner else set()
        there = associations_of(tx, new.app)
        plain = tuple(Variable(key, "") for key in keys)
        order = max((a.order for a in there), default=0) + 1
        arriving = attrs.evolve(new, plain=plain, phase=Phase.ACTIVE, order=order)
        *others, resolved = resolve_names(manual, (*there, arriving), adjuster(self._registry))
        appear = tuple(variable.key for variable in resolved.variables)
        return appear, (*moves(there, others), *moved_from_plain(resolved))


def planned_steps(
    saga: StepSequence, depth: int = 0, *, nested: bool = True, skip: Collection[str] = ()
) -> Iterable[PlannedStep]:
    """Return the steps of a saga; those of sagas that a step starts come right behind it.

    Args:
        saga: to show.
        depth: of its steps.
        nested: whether sagas that a step may start will be started.
        skip: names of sagas that will not be started, as what they do is done.
    """
    for step in saga.steps:
        yield PlannedStep(saga.name, step.name, step.title, depth)
        for inner in step.runs if nested else ():
            if inner.name not in skip:
                yield from planned_steps(inner, depth + 1)


def _server_sagas_done(tx: Reader, new: Instance) -> frozenset[str]:
    """Return names of the sagas that made the shared server of a new instance; none when it has to be made."""
    if not is_shared_variant(new.variant):
        return frozenset()
    found = (entity.value for entity in tx.list(Server, {"addon": new.addon, "phase": ServerPhase.ACTIVE}).items)
    same = [each for each in found if each.shared and _runs_the_same(each, new)]
    made = (tx.get(Execution, ensure_id(server.id)) for server in same)
    return frozenset(entity.value.saga for entity in made if entity is not None)


def _runs_the_same(server: Server, new: Instance) -> bool:
    return all(server.config.get(key, "") == new.config.get(key, "") for key in (CONFIG_IMAGE, CONFIG_VERSION))


def _neighbours(tx: Reader, instance: Instance) -> bool:
    """Return whether others live on the instance's server, which then stays."""
    if not instance.server:
        return False
    return any(entity.name != instance.id for entity in tx.list(Instance, {"server": instance.server}, limit=2).items)


def _instance_and_ties(tx: Reader, name: str, app: str | None) -> tuple[Instance, tuple[Association, ...]]:
    instance = find_instance(tx, name, app).value
    found = (each.value for each in tx.list(Association, {"instance": instance.id}).items)
    return instance, tuple(sorted(found, key=lambda tie: (tie.app, tie.order)))
