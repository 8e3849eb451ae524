"""The step that limits writes to a disk that is nearly full."""

from __future__ import annotations

from addonkit.models.instance import Instance
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.provider.server_addon.declaration import tenant_of
from addonkit.provider.server_addon.verbs import LimitedTenants
from addonkit.saga.step import step
from addonkit.util.values import frozen


@frozen
class LimitSteps:
    """Keeps the apps of a tenant from writing more, and lets them again."""

    tenants: LimitedTenants

    @step(undo=None, timeout=300)
    async def limit_writes(
        self, framework: ProviderFramework, instance: Instance, server_id: str, claim: str, *, denied: bool
    ) -> None:
        """Limit what apps can write."""
        access = await admin_access(framework, server_id)
        await self.tenants.limit_writes(access, tenant_of(instance, claim), denied=denied)
