"""Writes to a disk that is nearly full: a saga of one step, for addons whose tenants can be kept from writing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from addonkit.hookspecs import hookimpl
from addonkit.models.instance import Instance
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.provider.server_addon.data import tenant_of
from addonkit.provider.server_addon.declaration import ServerAccess, Tenant
from addonkit.saga.saga import Saga
from addonkit.saga.step import step


@runtime_checkable
class LimitedTenants(Protocol):
    """Tenants that can be kept from writing more; see Tenants."""

    async def limit_writes(self, access: ServerAccess, tenant: Tenant, *, denied: bool) -> None:
        """Keep a tenant from writing more, or let it write again."""
        ...


def limit_hook(name: str, tenants: object) -> Callable[[Instance, bool], Saga[None]] | None:
    """The hook `addon_limit_writes` of the addon of that name; None when its tenants cannot."""
    if not isinstance(tenants, LimitedTenants):
        return None
    found = tenants

    @step(undo=None, timeout=300)
    async def limit_writes(
        framework: ProviderFramework, instance: Instance, server_id: str, claim: str, *, denied: bool
    ) -> None:
        """Limit what apps can write."""
        access = await admin_access(framework, server_id)
        await found.limit_writes(access, tenant_of(instance, claim), denied=denied)

    saga: Saga[None] = Saga(f"{name}.limit-writes", inputs=("server_id", "claim", "denied"), steps=(limit_writes,))

    @hookimpl
    def addon_limit_writes(instance: Instance, denied: bool) -> Saga[None]:  # noqa: FBT001 - the hook's signature
        return saga.bind(server_id=instance.server, claim=instance.claim, denied=denied)

    return addon_limit_writes
