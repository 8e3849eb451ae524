"""Brings a change of options into force, or records why the former values are still in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from addonkit.controller.addons import addon_of
from addonkit.controller.execution_ids import configure_id
from addonkit.controller.step_context import subject_of
from addonkit.errors import AddonkitError, LeaseLost
from addonkit.models.identifiers import new_id
from addonkit.models.instance import Instance
from addonkit.models.options import OptionChange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from addonkit.engine.engine import Engine
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Entity, Store, Transaction


class Configurer:
    """Acts for one instance at a time; the caller holds the instance's lease.

    Args:
        store: where instances are.
        registry: of addons.
        engine: runs their sagas.
        causes: what failed, by the ids of instances.
    """

    def __init__(
        self, store: Store, registry: Registry, engine: Engine, causes: MutableMapping[str, AddonkitError]
    ) -> None:
        self._store = store
        self._registry = registry
        self._engine = engine
        self._causes = causes

    async def configure(self, instance: Instance) -> None:
        """Carry out the change of an instance. What went wrong is recorded on it, not raised; LeaseLost is raised."""
        change = instance.change
        if change is None:
            return
        config = with_values(instance.config, change.values)
        try:
            addon = addon_of(self._registry, instance, "configure")
            if "configure" in addon.capabilities:
                saga = addon.configure(instance, config)
                await self._engine.ensure(configure_id(instance), saga, subject=subject_of(instance))
        except LeaseLost:
            raise
        except AddonkitError as error:
            self._causes[instance.id] = error
            problem = attrs.evolve(change, problem=str(error))
            await self._replace(instance, change, lambda now: attrs.evolve(now, change=problem))
            return
        await self._replace(
            instance,
            change,
            lambda now: attrs.evolve(
                now, config=with_values(now.config, change.values), options=dict(change.options), change=None
            ),
        )

    async def _replace(self, instance: Instance, change: OptionChange, after: Callable[[Instance], Instance]) -> None:
        def decide(tx: Transaction) -> None:
            entity = tx.get(Instance, instance.id)
            if entity is not None and entity.value.change is not None and entity.value.change.id == change.id:
                tx.put(entity, after(entity.value))

        await self._store.transact(decide)


def with_values(config: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return a config with other values; an empty one takes its key away, so that the server's own holds."""
    return {name: value for name, value in {**config, **values}.items() if value or name not in values}


def begin_change(
    tx: Transaction,
    entity: Entity[Instance],
    values: Mapping[str, str],
    options: Mapping[str, str],
    *,
    restart: bool,
) -> Instance:
    """Record values of options that are to be in force; one that failed before is replaced. Part of a decision."""
    change = OptionChange(new_id(), dict(values), dict(options), restart)
    return tx.put(entity, attrs.evolve(entity.value, change=change)).value
