"""Steps that copy a tenant by the means of its server, and tell what a copy can be compared by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from addonkit.models.facts import Facts
from addonkit.models.fingerprint import Fingerprint
from addonkit.models.instance import Instance
from addonkit.models.sizes import describe_size
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import admin_access, ensure_access
from addonkit.provider.server_addon.data import LONGEST
from addonkit.provider.server_addon.declaration import Progress, ServerAccess, tenant_of
from addonkit.provider.server_addon.remarks import remarks
from addonkit.provider.server_addon.verbs import (
    CopyingTenants,
    FactTenants,
    OutlinedTenants,
    ServerCopyingTenants,
)
from addonkit.saga.step import step
from addonkit.util.values import frozen


@frozen
class CopySteps:
    """Fills a tenant with what another one has, of the same server or of one that is alike."""

    tenants: CopyingTenants

    @step(gives="result", undo=None, timeout=LONGEST)
    async def copy_within_server(
        self,
        framework: ProviderFramework,
        instance: Instance,
        progress: Progress,
        server_id: str,
        claim: str,
        source_server: str,
        source: str,
    ) -> bool:
        """Copy without an archive."""
        tenant = tenant_of(instance, claim)
        if server_id == source_server:
            access = await admin_access(framework, server_id)
            async with _growth(framework, server_id, progress):
                return await self.tenants.copy(access, source, tenant)
        if not isinstance(self.tenants, ServerCopyingTenants):
            return False
        # An attempt that was interrupted may have stopped it.
        access, origin = await ensure_access(framework, server_id), await admin_access(framework, source_server)
        if not _are_alike(access, origin):
            return False
        stopped = partial(_stopped, framework, server_id)
        async with _growth(framework, server_id, progress):
            return await self.tenants.copy_server(access, tenant, origin, source, stopped)


def _are_alike(one: ServerAccess, other: ServerAccess) -> bool:
    """Return whether both servers are of one tenant each, and of one version."""
    return not (one.server.shared or other.server.shared) and one.server.version == other.server.version


@asynccontextmanager
async def _growth(framework: ProviderFramework, server_id: str, progress: Progress) -> AsyncIterator[None]:
    """Show how far a copy is: by what is on the disk of its server. One that is over at once is not measured."""

    async def text() -> str:
        return f"{describe_size(await framework.disk_usage(server_id))} are on its disk"

    async with remarks(progress, text, at_end=False):
        yield


@asynccontextmanager
async def _stopped(framework: ProviderFramework, server_id: str) -> AsyncIterator[None]:
    """Stop a server for a block, and start it after the block, however that ends."""
    await framework.scale_pool(server_id, 0)
    try:
        yield
    finally:
        await framework.start_pool(server_id)


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
