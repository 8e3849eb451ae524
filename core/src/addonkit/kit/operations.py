"""Operations on what exists already: check, then write desired state. The controller does the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.lookup import existing, find_association, find_attached, find_instance
from addonkit.controller.moving import check_still
from addonkit.controller.naming import promote
from addonkit.controller.requests import Created, associate, check_label, ensure_app
from addonkit.controller.retrying import retry_association, retry_instance
from addonkit.controller.variables import associations_of, resolve_app_names
from addonkit.errors import AlreadyExists, Busy, InvalidInput, UnknownInstance
from addonkit.models.identifiers import check_alias, check_app_name
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.variable import VariableMove

if TYPE_CHECKING:
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Entity, Reader, Store, Transaction

Keep = Callable[["Transaction", Instance], None]
"""Writes what is kept of an instance that is destroyed."""


class Operations:
    """Writes desired state; each decision is one transaction."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    async def attach(self, name: str, app: str, alias: str = "", *, socket: bool = False, role: str = "") -> Created:
        """Record that an app is to receive the variables of an instance that exists.

        Raises:
            UnknownInstance: there is none of that name, or it is being destroyed.
            AlreadyExists: the app has an addon of that name.
            InvalidInput: it has no Unix socket for apps.
            Busy: its data are being moved.
        """
        check_app_name(app)
        if alias:
            check_alias(alias)

        def decide(tx: Transaction) -> Created:
            attempted = f"cannot attach {name} to {app}"
            entity = _check_attach(tx, attempted, name, socket=socket)
            instance = entity.value
            others = associations_of(tx, app)
            mine = next((a for a in others if a.instance == instance.id), None)
            if mine is not None:
                return _join(tx, attempted, entity, mine, alias, role)
            check_still(instance, attempted)
            check_label(tx, attempted, alias or instance.addon, others)
            new_app = ensure_app(tx, app)
            tie = associate(tx, instance, app, alias, others, socket=socket, role=role)
            return Created(instance, tie, new_app)

        return await self._store.transact(decide)

    async def check_attach(
        self, name: str, app: str, alias: str = "", *, socket: bool = False
    ) -> tuple[Instance, Association | None]:
        """Raise what attach would raise, without writing; the instance, and the tie of the app if there is one."""
        check_app_name(app)
        if alias:
            check_alias(alias)
        attempted = f"cannot attach {name} to {app}"

        def look(tx: Reader) -> tuple[Instance, Association | None]:
            instance = _check_attach(tx, attempted, name, socket=socket).value
            others = associations_of(tx, app)
            mine = next((a for a in others if a.instance == instance.id), None)
            if mine is None:
                check_still(instance, attempted)
                check_label(tx, attempted, alias or instance.addon, others)
            return instance, mine

        return await self._store.read(look)

    async def detach(self, name: str, app: str) -> tuple[Instance, tuple[str, ...]]:
        """Take an instance's variables from an app. The instance stays. A detach that was interrupted continues.

        Returns:
            The instance, and the names of the variables that are gone by this.
        """

        def decide(tx: Transaction) -> tuple[Instance, tuple[str, ...]]:
            instance, association = find_association(tx, name, app)
            if association.phase is Phase.DEPROVISIONING:  # interrupted, or failed: resume it
                retry_association(tx, existing(tx, Association, association.id))
                return instance, ()
            return instance, _release(tx, self._registry, association)

        return await self._store.transact(decide)

    async def destroy(self, name: str, app: str | None = None, keep: Keep | None = None) -> Instance:
        """Record that an instance is to go with all its data; its variables go now.

        Args:
            name: of the instance.
            app: what knows it by that name.
            keep: writes, in the same transaction, what is kept of it.
        """

        def decide(tx: Transaction) -> Instance:
            entity = find_instance(tx, name, app)
            instance = entity.value
            if keep is not None:
                keep(tx, instance)
            repeated = instance.phase is Phase.DEPROVISIONING
            after = attrs.evolve(instance, phase=Phase.DEPROVISIONING, message="", retry_at=None)
            if not repeated:
                after = attrs.evolve(after, failures=0)
            stored = tx.put(entity, after).value
            for found in tx.list(Association, {"instance": instance.id}).items:
                _release(tx, self._registry, found.value)
            return stored

        return await self._store.transact(decide)

    async def retry(self, name: str, app: str | None = None) -> Instance:
        """Clear what an instance or its associations wait for, so that the controller tries again."""
        return await self._store.transact(lambda tx: retry_instance(tx, find_instance(tx, name, app)))

    async def promote(self, name: str, app: str) -> tuple[VariableMove, ...]:
        """Give an instance's variables their plain names in an app; who has them now gets a prefix."""

        def decide(tx: Transaction) -> tuple[VariableMove, ...]:
            _instance, association = find_attached(tx, name, app)
            attempted = f"cannot promote {name} in {app}"
            if association.phase is not Phase.ACTIVE:
                raise Busy(attempted, f"it is {association.phase}", "wait until it is active")
            _resolved, moved = resolve_app_names(tx, self._registry, app, lambda all_: promote(all_, association.id))
            return moved

        return await self._store.transact(decide)


def _check_attach(tx: Reader, attempted: str, name: str, *, socket: bool) -> Entity[Instance]:
    """Return the instance that an app is to be attached to; raises what stands against it."""
    entity = find_instance(tx, name, None)
    instance = entity.value
    if instance.phase is Phase.DEPROVISIONING:
        raise UnknownInstance(attempted, "it is being destroyed")
    if socket and instance.phase is Phase.ACTIVE and not instance.socket_variables:
        raise InvalidInput(attempted, f"{name} has no Unix socket for apps", "leave out --socket")
    return entity


def _join(
    tx: Transaction, attempted: str, entity: Entity[Instance], association: Association, alias: str, role: str
) -> Created:
    """Continue an attachment that was interrupted or failed.

    Raises:
        AlreadyExists: it is complete, has another alias, or is being removed.
    """
    app, name = association.app, entity.value.name
    if association.phase is Phase.DEPROVISIONING:
        advice = f"run `addonkit detach {name} -a {app}` to complete that"
        raise AlreadyExists(attempted, "it is being detached", advice)
    if association.phase is Phase.ACTIVE or (association.alias, association.role) != (alias, role):
        raise AlreadyExists(attempted, "it is attached already", f"see `addonkit env -a {app}`")
    instance = retry_instance(tx, entity)
    return Created(instance, existing(tx, Association, association.id).value, joined=True)


def _release(tx: Transaction, registry: Registry, association: Association) -> tuple[str, ...]:
    """Take the variables of an association away now; revoking its credentials comes after."""
    entity = existing(tx, Association, association.id)
    tx.put(entity, attrs.evolve(association, phase=Phase.DEPROVISIONING, message="", variables=()))
    resolve_app_names(tx, registry, association.app)
    return tuple(variable.key for variable in association.variables)


def describe_data_loss(instance: Instance, apps: Sequence[str]) -> tuple[str, ...]:
    """Return what destroying an instance loses for good, a sentence each."""
    sentences = [f"all data of {instance.name} ({instance.addon}:{instance.variant})"]
    others = sorted(set(apps) - {instance.app})
    if others:
        sentences.append(f"the variables it gives to {', '.join(others)}")
    return tuple(sentences)
