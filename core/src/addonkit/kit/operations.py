"""The operations a user can ask for: check, then write desired state. The controller does the rest."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.compute.process.versions import matches, shorten
from addonkit.controller.lookup import existing, find_association, find_attached, find_instance
from addonkit.controller.moving import check_still
from addonkit.controller.naming import promote
from addonkit.controller.requests import Created, Request, associate, check_label, create, ensure_app
from addonkit.controller.retrying import retry_association, retry_instance
from addonkit.controller.variables import associations_of, resolve_app_names
from addonkit.errors import AlreadyExists, Busy, InvalidInput, UnknownInstance
from addonkit.models.definition import CONFIG_PROGRAMS, CONFIG_VERSION, AddonDefinition
from addonkit.models.identifiers import check_alias, check_app_name, new_id
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.variable import VariableMove
from addonkit.registry.entities import entity_of, record_entity
from addonkit.util.unix_sockets import LONGEST

if TYPE_CHECKING:
    from addonkit.compute.interface import Backend
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Entity, Reader, Store, Transaction

Keep = Callable[["Transaction", Instance], None]
"""Writes what is kept of an instance that is destroyed."""

_SOCKET_NAME: Final = 16
"""Characters that the name of a server's Unix socket may have."""


class Operations:
    """Writes desired state; each decision is one transaction."""

    def __init__(self, store: Store, registry: Registry, backend: Backend) -> None:
        self._store = store
        self._registry = registry
        self._backend = backend

    def check(
        self,
        spec: str,
        app: str,
        *,
        alias: str = "",
        version: str = "",
        socket: bool = False,
        options: Mapping[str, str] | None = None,
    ) -> Request:
        """Check everything about a request that does not need the store. Blocking: may look for programs.

        Raises:
            InvalidInput, UnknownAddon, UnknownVariant, UnknownVersion, AddonBroken: with what is wrong.
        """
        check_app_name(app)
        if alias:
            check_alias(alias)
        addon_name, variant = self._registry.resolve_addon_and_variant(spec)
        addon = self._registry.get(addon_name)
        if socket:
            self._check_socket(addon.definition, f"cannot create {spec}")
        attempted = f"cannot create {addon_name}:{variant} for {app}"
        chosen = addon.definition.options_of(variant).checked(options or {}, attempted=attempted)
        config = {}
        program = addon.definition.program_of(variant, chosen)
        if program is not None:
            definition = attrs.evolve(addon.definition, program=program)
            config[CONFIG_VERSION] = self._backend.runnable_version(definition, version)
            config[CONFIG_PROGRAMS] = self._directory(definition, config[CONFIG_VERSION])
        wanted = version or config.get(CONFIG_VERSION, "")
        config |= self._registry.get_variant_config(addon_name, variant, wanted)
        config |= chosen
        return Request(app, addon_name, addon.distribution, variant, alias, config, version, socket, chosen)

    def chosen_options(self, spec: str, config: Mapping[str, str]) -> dict[str, str]:
        """Return the values of options that a config has besides defaults; those that are not offered are left out."""
        addon, variant = self._registry.resolve_addon_and_variant(spec)
        return self._registry.get(addon).definition.options_of(variant).chosen(config)

    def newest_version(self, instance: Instance) -> str:
        """Return the newest version that an instance's servers can run here, as exact as the one it has. Blocking.

        Empty when there is no program that can be used.
        """
        definition = self._registry.get(instance.addon, instance.distribution).definition
        program = definition.program_of(instance.variant, instance.config)
        if program is None:
            return ""
        found = self._backend.find_programs(attrs.evolve(definition, program=program))
        return shorten(found[0].version, like=instance.config.get(CONFIG_VERSION, "")) if found else ""

    def _check_socket(self, definition: AddonDefinition, attempted: str) -> None:
        """Make sure that apps can get at servers through a Unix socket."""
        if not definition.sockets:
            raise InvalidInput(attempted, f"{definition.name} has no Unix socket for apps", "leave out --socket")
        pool = Path(self._backend.log_path(f"{definition.name}-{new_id()}")).parent
        path = f"{os.path.realpath(pool)}/sockets/{'x' * _SOCKET_NAME}"
        if len(os.fsencode(path)) > LONGEST:
            found = f"the path of its Unix socket would have more than {LONGEST} bytes"
            raise InvalidInput(attempted, found, "leave out --socket, or set ADDONKIT_HOME to a shorter path")

    def _directory(self, definition: AddonDefinition, version: str) -> str:
        """Return the directory of programs of that version that holds nothing else; empty when there is none such."""
        for found in self._backend.find_programs(definition):
            if found.origin in {"system", "wheel"} and matches(found.version, version):
                return found.directory
        return ""

    async def record(self, request: Request) -> Created:
        """Record the instance and its association; the app too when it is new.

        The same request again finds what it made before.

        Raises:
            AlreadyExists: the app has an addon of that name.
        """
        addon = entity_of(self._registry.get(request.addon, request.distribution))

        def decide(tx: Transaction) -> Created:
            record_entity(tx, addon)
            return create(tx, request)

        return await self._store.transact(decide)

    async def attach(self, name: str, app: str, alias: str = "", *, socket: bool = False, role: str = "") -> Created:
        """Record that an app is to receive the variables of an instance that exists.

        Raises:
            UnknownInstance: there is none of that name, or it is being destroyed.
            AlreadyExists: the app has an addon of that name.
            InvalidInput: its addon has no such role.
            Busy: its data are being moved.
        """
        check_app_name(app)
        if alias:
            check_alias(alias)

        def decide(tx: Transaction) -> Created:
            attempted = f"cannot attach {name} to {app}"
            entity = self._check_attach(tx, attempted, name, role, socket=socket)
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
        self, name: str, app: str, alias: str = "", *, socket: bool = False, role: str = ""
    ) -> tuple[Instance, Association | None]:
        """Raise what attach would raise, without writing; the instance, and the tie of the app if there is one."""
        check_app_name(app)
        if alias:
            check_alias(alias)
        attempted = f"cannot attach {name} to {app}"

        def look(tx: Reader) -> tuple[Instance, Association | None]:
            instance = self._check_attach(tx, attempted, name, role, socket=socket).value
            others = associations_of(tx, app)
            mine = next((a for a in others if a.instance == instance.id), None)
            if mine is None:
                check_still(instance, attempted)
                check_label(tx, attempted, alias or instance.addon, others)
            return instance, mine

        return await self._store.read(look)

    def _check_attach(self, tx: Reader, attempted: str, name: str, role: str, *, socket: bool) -> Entity[Instance]:
        entity = find_instance(tx, name, None)
        instance = entity.value
        if role:
            check_role(self._registry.get(instance.addon, instance.distribution).definition, role, attempted)
        if instance.phase is Phase.DEPROVISIONING:
            raise UnknownInstance(attempted, "it is being destroyed")
        if socket and instance.phase is Phase.ACTIVE and not instance.socket_variables:
            raise InvalidInput(attempted, f"{name} has no Unix socket for apps", "leave out --socket")
        return entity

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


def check_role(definition: AddonDefinition, role: str, attempted: str) -> None:
    """Make sure that an addon offers a role.

    Raises:
        InvalidInput: it does not, with those that it offers.
    """
    if role in definition.roles:
        return
    if not definition.roles:
        raise InvalidInput(attempted, f"{definition.name} has no roles", "leave out --role")
    raise InvalidInput(attempted, f"{definition.name} has no role {role!r}", f"use {', '.join(definition.roles)}")


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
