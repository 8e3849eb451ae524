"""Steps that move the data of a tenant."""

from __future__ import annotations

from typing import Final

from addonkit.archive.interface import Archive
from addonkit.models.fingerprint import Fingerprint
from addonkit.models.instance import Instance
from addonkit.models.sizes import describe_size
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.provider.server_addon.declaration import Progress, tenant_of
from addonkit.provider.server_addon.remarks import remarks
from addonkit.provider.server_addon.verbs import DataTenants, TransformTenants
from addonkit.saga.step import step
from addonkit.util.values import frozen

LONGEST: Final = 86_400.0
"""Seconds that moving the data of one instance may take."""


@frozen
class DataSteps:
    """Writes the data of a tenant into an archive, loads them from one, and takes their fingerprint."""

    tenants: DataTenants

    @step(gives="result", undo=None, timeout=LONGEST)
    async def dump(
        self,
        framework: ProviderFramework,
        instance: Instance,
        archive: Archive,
        progress: Progress,
        server_id: str,
        claim: str,
    ) -> Fingerprint:
        """Write the data into the archive."""
        access = await admin_access(framework, server_id)
        async with archive.writing() as writer, remarks(progress, lambda: f"{describe_size(writer.written)} written"):
            found = await self.tenants.dump(access, tenant_of(instance, claim), writer)
            await writer.finish(found)
        progress(_items(found, "written"))
        return found

    @step(undo=None, timeout=LONGEST)
    async def load(
        self,
        framework: ProviderFramework,
        instance: Instance,
        archive: Archive,
        progress: Progress,
        server_id: str,
        claim: str,
    ) -> None:
        """Load the data from the archive."""
        access = await admin_access(framework, server_id)
        async with archive.reading() as reader, remarks(progress, lambda: f"{describe_size(reader.bytes_read)} read"):
            await self.tenants.load(access, tenant_of(instance, claim), reader)

    @step(gives="result", undo=None, timeout=LONGEST)
    async def take_fingerprint(
        self, framework: ProviderFramework, instance: Instance, progress: Progress, server_id: str, claim: str
    ) -> Fingerprint:
        """Take the fingerprint of the data."""
        found = await self.tenants.fingerprint(await admin_access(framework, server_id), tenant_of(instance, claim))
        progress(_items(found, "read"))
        return found


@frozen
class TransformSteps:
    """Masks data in a copy."""

    tenants: TransformTenants

    @step(undo=None, timeout=LONGEST)
    async def transform(
        self, framework: ProviderFramework, instance: Instance, server_id: str, claim: str, script: str
    ) -> None:
        """Run the script."""
        await self.tenants.transform(await admin_access(framework, server_id), tenant_of(instance, claim), script)


def _items(found: Fingerprint, done: str) -> str:
    return f"{found.count:,} {'item' if found.count == 1 else 'items'} {done}"
