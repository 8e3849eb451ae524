"""Keeps apps from writing into an instance whose data are being moved. Parts of decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from addonkit.errors import BackupError, Busy
from addonkit.models.instance import Instance, Purpose

if TYPE_CHECKING:
    from addonkit.store.interface import Transaction

IS_MOVING: Final = "its data are being moved; try again when that has ended"
"""What is said of an instance whose apps are kept from writing."""


def begin_move(tx: Transaction, instance_id: str, execution_id: str) -> None:
    """Record that the data of an instance move for an execution, which may have begun that before.

    Raises:
        BackupError: they move for another one, which would let apps write when it ends.
    """
    entity = tx.get(Instance, instance_id)
    if entity is not None and entity.value.moving not in {"", execution_id}:
        raise BackupError(f"cannot move {entity.value.name}", IS_MOVING)
    mark_moving(tx, instance_id, execution_id)


def check_still(instance: Instance, attempted: str) -> None:
    """Make sure that no move has begun: credentials made after its beginning could write what it does not copy.

    Raises:
        Busy: the data are being moved.
    """
    if instance.moving and instance.purpose is Purpose.SERVE:
        raise Busy(attempted, IS_MOVING, f"run `addonkit retry {instance.name}` if no command moves them any more")


def mark_moving(tx: Transaction, instance_id: str, execution_id: str) -> None:
    """Record for which execution apps are kept from writing into an instance; none when that is empty."""
    entity = tx.get(Instance, instance_id)
    if entity is not None and entity.value.moving != execution_id:
        tx.put(entity, attrs.evolve(entity.value, moving=execution_id))
