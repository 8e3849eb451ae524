"""Stores what is displayed of addons, for instances whose addon is not installed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from addonkit.models.instance import AddonEntity, Instance

if TYPE_CHECKING:
    from addonkit.registry.addon import Addon
    from addonkit.store.interface import Transaction


def entity_of(addon: Addon) -> AddonEntity:
    """Return what the store keeps of an addon: everything for display, nothing of its configuration."""
    definition = addon.definition
    return AddonEntity(
        name=definition.name,
        display_name=definition.display_name,
        description=definition.description,
        default_variant=definition.default_variant,
        default_version=definition.default_version,
        locality=str(definition.locality),
        distribution=addon.distribution,
        version=addon.version,
        variants={each.name: dict(each.details) for each in definition.variants},
    )


def record_entity(transaction: Transaction, addon: AddonEntity) -> None:
    """Store what is displayed of an addon, when it is new or differs."""
    known = transaction.get(AddonEntity, addon.name)
    if known is None:
        transaction.create(addon.name, addon)
    elif known.value != addon:
        transaction.put(known, addon)


def sync_entities(transaction: Transaction, wanted: Iterable[AddonEntity], installed: Collection[str]) -> None:
    """Make the stored addons those wanted; a decision for `Store.transact`.

    Args:
        transaction: where.
        wanted: one entity for each healthy addon; written when it is new or differs.
        installed: names of all addons that are installed, healthy or not. Others are removed, unless
            an instance of theirs exists.
    """
    for each in wanted:
        record_entity(transaction, each)
    for entity in transaction.list(AddonEntity).items:
        if entity.name not in installed:
            forget_unused_addon(transaction, entity.name)


def forget_unused_addon(transaction: Transaction, name: str) -> None:
    """Delete what is displayed of an addon, unless an instance of it exists."""
    entity = transaction.get(AddonEntity, name)
    if entity is not None and not transaction.list(Instance, {"addon": name}, limit=1).items:
        transaction.delete(AddonEntity, name)
