"""Brings a change of options into force, or records why the former values are still in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from addonkit.controller.addons import addon_of
from addonkit.controller.execution_ids import configure_id
from addonkit.controller.reconciliation import change_instance
from addonkit.controller.step_context import subject_of
from addonkit.errors import AddonkitError
from addonkit.models.identifiers import new_id
from addonkit.models.instance import Instance
from addonkit.models.options import LISTEN, OptionChange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from addonkit.controller.reconciliation import Reconciliation
    from addonkit.store.interface import Entity, Transaction


async def configure(reconciliation: Reconciliation, instance: Instance) -> None:
    """Carry out the change of an instance, or record why that failed.

    Raises:
        LeaseLost: another process works on the instance.
    """
    change = instance.change
    if change is None:
        return
    config = with_values(instance.config, change.values)

    def record_failure(tx: Transaction, error: AddonkitError) -> None:
        _end_change(tx, instance, change, {"change": attrs.evolve(change, problem=str(error))})

    def record(tx: Transaction, _result: Any = None) -> None:
        if change.values.get(LISTEN, "") != instance.config.get(LISTEN, "") and LISTEN in change.values:
            from addonkit.controller.rotation import GRACE, begin_rotations  # few options change variables

            begin_rotations(tx, instance.id, reconciliation.clock.now() + GRACE)
        _end_change(tx, instance, change, {"config": config, "options": dict(change.options), "change": None})

    async with reconciliation.recorded_failure(record_failure):
        addon = addon_of(reconciliation.registry, instance, "configure")
        if "configure" not in addon.capabilities:
            await reconciliation.record(record)
            return
        id, saga = configure_id(instance), addon.configure(instance, config)
        await reconciliation.run(id, saga, subject_of(instance), record)


def _end_change(tx: Transaction, instance: Instance, change: OptionChange, fields: Mapping[str, Any]) -> None:
    """Write what became of a change, unless another one has replaced it meanwhile."""

    def end(now: Instance) -> Instance:
        return attrs.evolve(now, **fields) if now.change is not None and now.change.id == change.id else now

    change_instance(tx, instance.id, end)


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
