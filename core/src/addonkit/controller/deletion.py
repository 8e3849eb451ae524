"""Deletes entities that nothing refers to any more. Parts of decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.models.app import App
from addonkit.models.backup_state import BackupState
from addonkit.models.instance import Association, Instance
from addonkit.registry.entities import forget_unused_addon

if TYPE_CHECKING:
    from addonkit.store.interface import Transaction


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
