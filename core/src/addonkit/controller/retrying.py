"""Clears what instances and associations wait for, so that they are tried again. Parts of decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from addonkit.models.identifiers import new_id
from addonkit.models.instance import Association, Instance, Phase

if TYPE_CHECKING:
    from addonkit.store.interface import Entity, Transaction


def retry_instance(tx: Transaction, entity: Entity[Instance]) -> Instance:
    """Let an instance and all its associations be tried again; what has not failed stays as it is."""
    for found in tx.list(Association, {"instance": entity.name}).items:
        retry_association(tx, found)
    instance = entity.value
    after = attrs.evolve(instance, message="", retry_at=None, failures=0)
    if after.change is not None and after.change.problem:
        after = attrs.evolve(after, change=attrs.evolve(after.change, id=new_id(), problem=""))
    if instance.phase is Phase.ERROR:
        after = attrs.evolve(after, phase=Phase.PENDING, attempt=instance.attempt + 1)
    return instance if after == instance else tx.put(entity, after).value


def retry_association(tx: Transaction, entity: Entity[Association]) -> Association:
    """Let an association be tried again, in the direction it was going."""
    association = entity.value
    if association.phase is Phase.ERROR:
        after = attrs.evolve(association, phase=Phase.PENDING, message="", attempt=association.attempt + 1)
    elif association.phase is Phase.DEPROVISIONING and association.message:
        after = attrs.evolve(association, message="")
    else:
        return association
    return tx.put(entity, after).value


def provision_again(tx: Transaction, entity: Entity[Instance]) -> Instance:
    """Let an active instance be provisioned once more, because what it had on its server is lost.

    Its associations are bound again, as credentials are lost too.
    """
    instance = entity.value
    for found in tx.list(Association, {"instance": instance.id}).items:
        tie = found.value
        if tie.phase is Phase.ACTIVE:
            tx.put(found, attrs.evolve(tie, phase=Phase.PENDING, attempt=tie.attempt + 1))
    after = attrs.evolve(instance, phase=Phase.PENDING, attempt=instance.attempt + 1, message="", failures=0)
    return tx.put(entity, after).value


def has_failed(association: Association) -> bool:
    """Return whether it waits for its user. The message of an active one tells how its variables are named."""
    leaving = association.phase is Phase.DEPROVISIONING and bool(association.message)
    return association.phase is Phase.ERROR or leaving
