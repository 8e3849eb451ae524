"""Turns arguments of steps of backups and moves into the values that they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from addonkit.controller.backups.places import PlaceRequest
from addonkit.errors import BackupError
from addonkit.models.backup import Backup
from addonkit.models.instance import Instance
from addonkit.store.codec import structure

if TYPE_CHECKING:
    from addonkit.store.interface import Store


def backup_of(tree: Any) -> Backup:
    """Return the backup that an execution is about."""
    backup: Backup = structure(tree, Backup)
    return backup


def place_of(tree: Any) -> PlaceRequest:
    """Return the place that an execution makes."""
    request: PlaceRequest = structure(tree, PlaceRequest)
    return request


async def moving_instance(store: Store, id: str) -> Instance:
    """Return an instance that data come from or go to.

    Raises:
        BackupError: it does not exist any more.
    """
    found = await store.get(Instance, id)
    if found is None:
        raise BackupError("moving data", "the instance was destroyed meanwhile")
    return found.value
