"""Steps that freeze, thaw and measure a tenant."""

from __future__ import annotations

from typing import Final

from addonkit.models.instance import Instance
from addonkit.models.result import Usage
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.provider.server_addon.declaration import tenant_of
from addonkit.provider.server_addon.verbs import FreezingTenants, MeasuredTenants
from addonkit.saga.step import step
from addonkit.util.values import frozen

_LIMIT: Final = 300.0
"""Seconds that one of them may take."""


@frozen
class FreezeSteps:
    """Keeps the apps of a tenant from writing, and lets them again."""

    tenants: FreezingTenants

    @step(undo=None, timeout=_LIMIT)
    async def freeze(self, framework: ProviderFramework, instance: Instance, server_id: str, claim: str) -> None:
        """Keep apps from writing."""
        await self.tenants.freeze(await admin_access(framework, server_id), tenant_of(instance, claim))

    @step(undo=None, timeout=_LIMIT)
    async def thaw(self, framework: ProviderFramework, instance: Instance, server_id: str, claim: str) -> None:
        """Let apps write again."""
        await self.tenants.thaw(await admin_access(framework, server_id), tenant_of(instance, claim))


@frozen
class UsageSteps:
    """Asks how much a tenant holds."""

    tenants: MeasuredTenants

    @step(gives="result", undo=None)
    async def measure(self, framework: ProviderFramework, instance: Instance, server_id: str, claim: str) -> Usage:
        """Measure the data."""
        return await self.tenants.usage(await admin_access(framework, server_id), tenant_of(instance, claim))
