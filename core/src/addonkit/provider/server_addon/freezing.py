"""Freeze, thaw and usage of server addons: sagas of one step each, for addons whose tenants have these verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from addonkit.models.instance import Instance
from addonkit.models.result import Usage
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.provider.server_addon.answers import of_instance
from addonkit.provider.server_addon.data import tenant_of
from addonkit.provider.server_addon.declaration import ServerAccess, Tenant
from addonkit.saga.saga import Saga
from addonkit.saga.step import step

_LIMIT = 300.0
"""Seconds that one of them may take."""


@runtime_checkable
class FreezingTenants(Protocol):
    """Tenants that can be kept from writing; see Tenants."""

    async def freeze(self, access: ServerAccess, tenant: Tenant) -> None:
        """Keep a tenant from writing."""
        ...

    async def thaw(self, access: ServerAccess, tenant: Tenant) -> None:
        """Let a tenant write again."""
        ...


@runtime_checkable
class MeasuredTenants(Protocol):
    """Tenants whose size is known; see Tenants."""

    async def usage(self, access: ServerAccess, tenant: Tenant) -> Usage:
        """Tell how much a tenant holds."""
        ...


def freeze_hook(name: str, tenants: object) -> Callable[[Instance], Saga[None]] | None:
    """The hook `addon_freeze` of the addon of that name; None when its tenants cannot."""
    if not isinstance(tenants, FreezingTenants):
        return None
    found = tenants

    @step(undo=None, timeout=_LIMIT)
    async def freeze(framework: ProviderFramework, instance: Instance, server_id: str, claim: str) -> None:
        """Keep apps from writing."""
        await found.freeze(await admin_access(framework, server_id), tenant_of(instance, claim))

    saga: Saga[None] = Saga(f"{name}.freeze", inputs=("server_id", "claim"), steps=(freeze,))

    return of_instance(saga)


def thaw_hook(name: str, tenants: object) -> Callable[[Instance], Saga[None]] | None:
    """The hook `addon_thaw` of the addon of that name; None when its tenants cannot be frozen."""
    if not isinstance(tenants, FreezingTenants):
        return None
    found = tenants

    @step(undo=None, timeout=_LIMIT)
    async def thaw(framework: ProviderFramework, instance: Instance, server_id: str, claim: str) -> None:
        """Let apps write again."""
        await found.thaw(await admin_access(framework, server_id), tenant_of(instance, claim))

    saga: Saga[None] = Saga(f"{name}.thaw", inputs=("server_id", "claim"), steps=(thaw,))

    return of_instance(saga)


def usage_hook(name: str, tenants: object) -> Callable[[Instance], Saga[Usage]] | None:
    """The hook `addon_usage` of the addon of that name; None when its tenants do not tell."""
    if not isinstance(tenants, MeasuredTenants):
        return None
    found = tenants

    @step(gives="result", undo=None)
    async def measure(framework: ProviderFramework, instance: Instance, server_id: str, claim: str) -> Usage:
        """Measure the data."""
        return await found.usage(await admin_access(framework, server_id), tenant_of(instance, claim))

    saga: Saga[Usage] = Saga(f"{name}.usage", inputs=("server_id", "claim"), steps=(measure,))

    return of_instance(saga)
