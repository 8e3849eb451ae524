"""Replaces the credentials of associations: what is written before, between and after. Parts of decisions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit.controller.variables import resolve_app_names
from addonkit.models.instance import Association, FormerLogin, Phase, Rotation

if TYPE_CHECKING:
    from addonkit.models.result import BindResult
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Transaction

GRACE: Final = timedelta(minutes=10)
"""How long sessions of former credentials have to end, unless another time is asked for."""


def begin_rotations(tx: Transaction, instance_id: str, until: datetime) -> None:
    """Record that all apps of an instance are to have new credentials, and with them other variables."""
    for entity in tx.list(Association, {"instance": instance_id}).items:
        begin_rotation(tx, entity.name, until)


def begin_rotation(tx: Transaction, association_id: str, until: datetime) -> bool:
    """Record that an active association is to have new credentials; one that was interrupted continues.

    Args:
        tx: the transaction.
        association_id: of the association.
        until: when the former ones are to be revoked.

    Returns:
        False when it does not exist or is not active.
    """
    entity = tx.get(Association, association_id)
    if entity is None or entity.value.phase is not Phase.ACTIVE:
        return False
    now = entity.value
    rotation = now.rotation or Rotation(_next_generation(now), until)
    number = max(now.generations, rotation.generation)
    tx.put(entity, attrs.evolve(now, rotation=attrs.evolve(rotation, until=until), generations=number))
    return True


def next_credentials(tie: Association) -> Association:
    """Return an association as it will be with the credentials that a rotation makes."""
    return tie.of_generation(_next_generation(tie))


def _next_generation(tie: Association) -> int:
    return tie.rotation.generation if tie.rotation else tie.generations + 1


def switch_credentials(
    tx: Transaction, registry: Registry, association_id: str, generation: int, result: BindResult
) -> None:
    """Give an app its new credentials, and keep the former ones until they are revoked.

    Does nothing when the association was detached, or bound anew, meanwhile.
    """
    entity = tx.get(Association, association_id)
    if entity is None or entity.value.rotation is None or entity.value.rotation.generation != generation:
        return
    now, rotation = entity.value, entity.value.rotation
    if now.phase is not Phase.ACTIVE:
        return
    former = FormerLogin(now.generation, now.attributes, rotation.until)
    tx.put(
        entity,
        attrs.evolve(
            now,
            generation=generation,
            rotation=None,
            formers=(*now.formers, former),
            attributes=result.attributes,
            **bound_variables(now, result),
        ),
    )
    resolve_app_names(tx, registry, now.app)


def bound_variables(association: Association, result: BindResult) -> dict[str, Any]:
    """Return what of a BindResult the app uses: its socket's variables, or its port's."""
    by_socket = association.socket and bool(result.socket_variables)
    return {
        "plain": tuple(result.socket_variables if by_socket else result.variables),
        "by_port": tuple(result.variables) if by_socket else (),
    }


def give_up_rotation(tx: Transaction, association_id: str) -> None:
    """Keep the credentials that the app has, as new ones could not be made."""
    entity = tx.get(Association, association_id)
    if entity is not None and entity.value.rotation is not None:
        tx.put(entity, attrs.evolve(entity.value, rotation=None))


def mark_formers(
    tx: Transaction, instance_id: str, chosen: Callable[[Association, FormerLogin], bool]
) -> tuple[str, ...]:
    """Record that former credentials are to be revoked now; the apps whose they are."""
    apps = []
    for entity in tx.list(Association, {"instance": instance_id}).items:
        tie = entity.value
        if tie.phase is not Phase.ACTIVE:
            continue
        formers = tuple(
            attrs.evolve(each, revoke=True, message="") if chosen(tie, each) else each for each in tie.formers
        )
        if formers != tie.formers:
            tx.put(entity, attrs.evolve(tie, formers=formers))
            apps.append(tie.app)
    return tuple(apps)


def forget_former(tx: Transaction, association_id: str, generation: int) -> None:
    """Delete the record of credentials that were revoked."""
    entity = tx.get(Association, association_id)
    if entity is not None:
        kept = tuple(each for each in entity.value.formers if each.generation != generation)
        tx.put(entity, attrs.evolve(entity.value, formers=kept))


def record_failure(tx: Transaction, association_id: str, generation: int, message: str) -> None:
    """Record why credentials could not be revoked; the next attempt has another id."""
    entity = tx.get(Association, association_id)
    if entity is None:
        return
    tie = entity.value
    formers = tuple(
        attrs.evolve(each, message=message, revoke=False) if each.generation == generation else each
        for each in tie.formers
    )
    tx.put(entity, attrs.evolve(tie, formers=formers, teardown=tie.teardown + 1))
