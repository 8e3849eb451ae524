"""Steps that list and update the extensions of a tenant."""

from __future__ import annotations

from typing import Final

from addonkit.models.instance import Instance
from addonkit.models.result import Extensions
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import running
from addonkit.provider.server_addon.declaration import tenant_of
from addonkit.provider.server_addon.verbs import ExtendedTenants
from addonkit.saga.step import step
from addonkit.util.values import frozen

_LIMIT: Final = 600.0
"""Seconds that an update may take."""


@frozen
class ExtensionSteps:
    """Lists and updates what a tenant can have beside the server's own functions."""

    tenants: ExtendedTenants

    @step(gives="result", undo=None)
    async def list_extensions(
        self, framework: ProviderFramework, instance: Instance, server_id: str, claim: str
    ) -> Extensions:
        """List the extensions."""
        async with running(framework, server_id) as access:
            return Extensions(await self.tenants.extensions(access, tenant_of(instance, claim)))

    @step(undo=None, timeout=_LIMIT)
    async def update_extension(
        self, framework: ProviderFramework, instance: Instance, server_id: str, claim: str, extension: str
    ) -> None:
        """Update the extension."""
        async with running(framework, server_id) as access:
            await self.tenants.update_extension(access, tenant_of(instance, claim), extension)
