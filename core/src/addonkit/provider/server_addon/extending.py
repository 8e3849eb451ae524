"""Extensions of server addons: sagas of one step each, for addons whose tenants list and update them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from addonkit.hookspecs import hookimpl
from addonkit.models.instance import Instance
from addonkit.models.result import Extension, Extensions
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import running
from addonkit.provider.server_addon.answers import of_instance
from addonkit.provider.server_addon.data import tenant_of
from addonkit.provider.server_addon.declaration import ServerAccess, Tenant
from addonkit.saga.saga import Saga
from addonkit.saga.step import step

_LIMIT = 600.0
"""Seconds that an update may take."""


@runtime_checkable
class ExtendedTenants(Protocol):
    """Tenants that can have extensions; see Tenants."""

    async def extensions(self, access: ServerAccess, tenant: Tenant) -> tuple[Extension, ...]:
        """List what a tenant has, and what it can have."""
        ...

    async def update_extension(self, access: ServerAccess, tenant: Tenant, extension: str) -> None:
        """Bring one to the version that the server has."""
        ...


def extensions_hook(name: str, tenants: object) -> Callable[[Instance], Saga[Extensions]] | None:
    """The hook `addon_extensions` of the addon of that name; None when its tenants have none."""
    if not isinstance(tenants, ExtendedTenants):
        return None
    found = tenants

    @step(gives="result", undo=None)
    async def list_extensions(
        framework: ProviderFramework, instance: Instance, server_id: str, claim: str
    ) -> Extensions:
        """List the extensions."""
        async with running(framework, server_id) as access:
            return Extensions(await found.extensions(access, tenant_of(instance, claim)))

    saga: Saga[Extensions] = Saga(f"{name}.extensions", inputs=("server_id", "claim"), steps=(list_extensions,))

    return of_instance(saga)


def update_extension_hook(name: str, tenants: object) -> Callable[[Instance, str], Saga[None]] | None:
    """The hook `addon_update_extension` of the addon of that name; None when its tenants have none."""
    if not isinstance(tenants, ExtendedTenants):
        return None
    found = tenants

    @step(undo=None, timeout=_LIMIT)
    async def update_extension(
        framework: ProviderFramework, instance: Instance, server_id: str, claim: str, extension: str
    ) -> None:
        """Update the extension."""
        async with running(framework, server_id) as access:
            await found.update_extension(access, tenant_of(instance, claim), extension)

    inputs = ("server_id", "claim", "extension")
    saga: Saga[None] = Saga(f"{name}.update-extension", inputs=inputs, steps=(update_extension,))

    @hookimpl
    def addon_update_extension(instance: Instance, extension: str) -> Saga[None]:
        return saga.bind(server_id=instance.server, claim=instance.claim, extension=extension)

    return addon_update_extension
