"""Checks a request before anything is stored, records it, and completes what was recorded."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.compute.process.versions import matches, shorten
from addonkit.controller.requests import Created, Request, create, find_former
from addonkit.errors import AddonkitError, InstanceFailed, InvalidInput
from addonkit.kit.binding import Binding
from addonkit.kit.failures import failed
from addonkit.models.compute import Pool
from addonkit.models.definition import CONFIG_DIGEST, CONFIG_IMAGE, CONFIG_PROGRAMS, CONFIG_VERSION, AddonDefinition
from addonkit.models.identifiers import check_alias, check_app_name, new_id
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.options import LISTEN
from addonkit.registry.entities import entity_of, record_entity
from addonkit.util.unix_sockets import LONGEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from addonkit.controller.controller import Controller
    from addonkit.controller.requests import Asked
    from addonkit.kit.admission import Admission
    from addonkit.kit.services import Services
    from addonkit.models.address import Address
    from addonkit.store.interface import Reader, Transaction


_SOCKET_NAME: Final = 16
"""Characters that the name of a server's Unix socket may have."""


class Creation:
    """Makes instances. What is recorded is completed here too for `attach`."""

    def __init__(self, services: Services, admission: Admission, controller: Controller) -> None:
        self._store = services.store
        self._registry = services.registry
        self._backend = services.backend
        self._settings = services.settings
        self._check_image = services.check_image
        self._admission = admission
        self._controller = controller

    async def check(
        self,
        spec: str,
        app: str,
        alias: str,
        version: str,
        *,
        socket: bool = False,
        options: Mapping[str, str] | None = None,
    ) -> tuple[Request, Asked | None]:
        """Return a request without a fault, and its addon's answer, without storing anything. Asks the slowest last."""
        request = await asyncio.to_thread(
            self.make_request, spec, app, alias=alias, version=version, socket=socket, options=options
        )
        attempted = f"cannot create {request.addon}:{request.variant} for {app}"
        if request.config.get(LISTEN):
            from addonkit.kit.listening import check_address

            await check_address(request.config, attempted)
        is_new = await self._store.read(lambda tx: find_former(tx, request)) is None
        await self._settings.check(request.addon, request.variant)
        await self._settings.check_options(request.addon, request.options, attempted)
        asked = self._admission.admit_create(request, is_new=is_new)
        image = request.config.get(CONFIG_IMAGE, "")
        if not (self._backend.runs_images and image and is_new):
            return request, asked
        digest = await self._check_image(image)
        return attrs.evolve(request, config={**request.config, CONFIG_DIGEST: digest}), asked

    def make_request(
        self,
        spec: str,
        app: str,
        *,
        alias: str = "",
        version: str = "",
        socket: bool = False,
        options: Mapping[str, str] | None = None,
    ) -> Request:
        """Return a request without a fault that is seen without the store. Blocking: may look for programs.

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

    async def finish(self, created: Created, *, wait: bool, asked: Asked | None = None) -> Binding:
        """Carry out what was recorded; with `wait` until it is active.

        Raises:
            InstanceFailed: it could not be provisioned or attached, or was destroyed meanwhile.
        """
        instance, carried_out = created.instance, wait and not created.existed
        if carried_out:
            reconciled = await self._controller.reconcile(instance.id, asked)
            if reconciled is None:
                raise InstanceFailed(f"creating {instance.name}", "it was destroyed meanwhile")
            instance = reconciled
            if instance.phase is not Phase.ACTIVE:
                raise failed(f"creating {instance.name}", instance) from self._controller.cause(instance.id)
        tie, address = await self._store.read(lambda tx: _as_made(tx, instance, created.association))
        if carried_out and tie.phase is Phase.ERROR:
            told = attrs.evolve(instance, message=tie.message)
            raise failed(f"attaching {instance.name}", told) from self._controller.cause(instance.id)
        shell = self._has_shell(instance.addon)
        return Binding(instance, tie, created.new_app, created.joined, created.existed, address, has_shell=shell)

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

    def _has_shell(self, addon: str) -> bool:
        """Return whether the addon names a program to work in; False when it cannot be asked."""
        with contextlib.suppress(AddonkitError):
            return self._registry.get(addon).definition.shell is not None
        return False


def _as_made(tx: Reader, instance: Instance, before: Association) -> tuple[Association, Address | None]:
    """Return the tie as it is now, and where the server listens; None when there is none here."""
    tie = tx.get(Association, before.id)
    pool = tx.get(Pool, instance.server) if instance.server else None
    address = pool.value.address if pool else None
    return tie.value if tie else before, address and address.listening(instance.config.get(LISTEN, ""))
