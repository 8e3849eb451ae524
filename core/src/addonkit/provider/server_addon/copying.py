"""Steps that copy a tenant within its server, and tell what a copy can be compared by."""

from __future__ import annotations

from addonkit.models.facts import Facts
from addonkit.models.fingerprint import Fingerprint
from addonkit.models.instance import Instance
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.provider.server_addon.data import LONGEST
from addonkit.provider.server_addon.declaration import tenant_of
from addonkit.provider.server_addon.verbs import CopyingTenants, FactTenants, OutlinedTenants
from addonkit.saga.step import step
from addonkit.util.values import frozen


@frozen
class CopySteps:
    """Fills a tenant with what another one of the same server has."""

    tenants: CopyingTenants

    @step(gives="result", undo=None, timeout=LONGEST)
    async def copy_within_server(
        self,
        framework: ProviderFramework,
        instance: Instance,
        server_id: str,
        claim: str,
        source_server: str,
        source: str,
    ) -> bool:
        """Copy within the server."""
        if server_id != source_server:
            return False
        return await self.tenants.copy(await admin_access(framework, server_id), source, tenant_of(instance, claim))


@frozen
class OutlineSteps:
    """Tells definitions and sizes of a tenant, without reading its data."""

    tenants: OutlinedTenants

    @step(gives="result", undo=None, timeout=LONGEST)
    async def take_outline(
        self, framework: ProviderFramework, instance: Instance, server_id: str, claim: str
    ) -> Fingerprint:
        """Take the outline of the data."""
        return await self.tenants.outline(await admin_access(framework, server_id), tenant_of(instance, claim))


@frozen
class FactSteps:
    """Tells what another place may not share."""

    tenants: FactTenants

    @step(gives="result", undo=None)
    async def ask_for_facts(
        self, framework: ProviderFramework, instance: Instance, server_id: str, claim: str
    ) -> Facts:
        """Ask for the facts of the place."""
        return await self.tenants.facts(await admin_access(framework, server_id), tenant_of(instance, claim))
