"""Steps that let tenants into a server, and remove them."""

from __future__ import annotations

from addonkit.models.app import Variant
from addonkit.models.instance import Instance
from addonkit.models.secret import Secret
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import cleanup_tenant, ensure_access
from addonkit.provider.server_addon.declaration import Progress, Tenant, Tenants
from addonkit.provider.server_addon.verbs import OptionTenants
from addonkit.saga.step import step
from addonkit.util.values import frozen

LONG = 3600.0
"""Seconds that removing a tenant's data may take."""


@step(gives="password", effect=False)
async def generate_password() -> Secret:
    """Generate a password."""
    return Secret.generate()


@frozen
class TenantSteps:
    """Lets a tenant into a server, and removes it with its data."""

    tenants: Tenants

    @step(timeout=600)
    async def create_tenant(
        self,
        framework: ProviderFramework,
        instance: Instance,
        variant: Variant,
        server_id: str,
        claim: str,
        password: Secret,
    ) -> None:
        """Let a tenant in."""
        tenant, access = Tenant(claim, instance.id, variant.config), await ensure_access(framework, server_id)
        await self.tenants.create_tenant(access, tenant, password)
        if isinstance(self.tenants, OptionTenants):
            await self.tenants.configure(access, tenant, {})

    @create_tenant.undo
    async def undo_create_tenant(
        self, framework: ProviderFramework, instance: Instance, progress: Progress, server_id: str, claim: str
    ) -> None:
        """Remove it."""
        await self._remove(framework, instance, progress, server_id, claim)

    @step(undo=None, timeout=LONG)
    async def remove_tenant(
        self, framework: ProviderFramework, instance: Instance, progress: Progress, server_id: str, claim: str
    ) -> None:
        """Remove a tenant with its data."""
        await self._remove(framework, instance, progress, server_id, claim)

    async def _remove(
        self, framework: ProviderFramework, instance: Instance, progress: Progress, server_id: str, claim: str
    ) -> None:
        tenant, tenants = Tenant(claim, instance.id, instance.config), self.tenants
        await cleanup_tenant(
            framework, instance, server_id, lambda access: tenants.remove_tenant(access, tenant, progress)
        )
