"""Checks a request before anything is stored, and completes what was recorded for it."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.requests import find_former
from addonkit.errors import AddonkitError, InstanceFailed
from addonkit.kit.binding import Binding
from addonkit.kit.failures import failed
from addonkit.models.compute import Pool
from addonkit.models.definition import CONFIG_DIGEST, CONFIG_IMAGE
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.options import LISTEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from addonkit.controller.controller import Controller
    from addonkit.controller.requests import Asked, Created, Request
    from addonkit.kit.admission import Admission
    from addonkit.kit.operations import Operations
    from addonkit.kit.services import Services
    from addonkit.models.address import Address
    from addonkit.store.interface import Reader


class Creation:
    """The common part of `create` and `attach`."""

    def __init__(
        self,
        services: Services,
        operations: Operations,
        admission: Admission,
        controller: Controller,
    ) -> None:
        self._store = services.store
        self._registry = services.registry
        self._backend = services.backend
        self._settings = services.settings
        self._check_image = services.check_image
        self._operations = operations
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
        check = partial(self._operations.check, spec, app, alias=alias, version=version, socket=socket, options=options)
        request = await asyncio.to_thread(check)
        if request.config.get(LISTEN):
            from addonkit.kit.listening import check_address

            await check_address(request.config, f"cannot create {request.addon}:{request.variant} for {app}")
        is_new = await self._store.read(lambda tx: find_former(tx, request)) is None
        await self._settings.check(request.addon, request.variant)
        attempted = f"cannot create {request.addon}:{request.variant} for {app}"
        await self._settings.check_options(request.addon, request.options, attempted)
        asked = self._admission.admit_create(request, is_new=is_new)
        image = request.config.get(CONFIG_IMAGE, "")
        if not (self._backend.runs_images and image and is_new):
            return request, asked
        digest = await self._check_image(image)
        return attrs.evolve(request, config={**request.config, CONFIG_DIGEST: digest}), asked

    async def finish(self, created: Created, *, wait: bool, asked: Asked | None = None) -> Binding:
        """Carry out what was recorded; with `wait` until it is active.

        Raises:
            InstanceFailed: it could not be provisioned or attached, or was destroyed meanwhile.
        """
        instance, carried_out = created.instance, wait and not created.existed
        if carried_out:
            instance = await self._carry_out(instance, asked)
        tie, address = await self._store.read(lambda tx: _as_made(tx, instance, created.association))
        if carried_out and tie.phase is Phase.ERROR:
            told = attrs.evolve(instance, message=tie.message)
            raise failed(f"attaching {instance.name}", told) from self._controller.cause(instance.id)
        shell = self._has_shell(instance.addon)
        return Binding(instance, tie, created.new_app, created.joined, created.existed, address, has_shell=shell)

    async def _carry_out(self, instance: Instance, asked: Asked | None) -> Instance:
        """Make an instance; return it as it is then."""
        reconciled = await self._controller.reconcile(instance.id, asked)
        if reconciled is None:
            raise InstanceFailed(f"creating {instance.name}", "it was destroyed meanwhile")
        if reconciled.phase is not Phase.ACTIVE:
            raise failed(f"creating {reconciled.name}", reconciled) from self._controller.cause(reconciled.id)
        return reconciled

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
