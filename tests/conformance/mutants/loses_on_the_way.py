"""Loads less than was dumped where the place is a shared server."""

from addonkit import ArchiveReader, ServerAccess, Tenant
from mutants.depot import administer, made
from mutants.depot_backups import Kept

CAUGHT_BY = "an_instance_moves_to_another_variant[small]"
SAYS = "values: 0 values instead of 4"


class Losing(Kept):
    async def load(self, access: ServerAccess, tenant: Tenant, archive: ArchiveReader) -> None:
        """Load everything on a server of its own, and nothing elsewhere."""
        if not access.server.shared:
            await super().load(access, tenant, archive)
            return
        async for member in archive.members():
            async for _chunk in member.content():
                pass
        await administer(access, "PUT", f"{tenant.claim}=values", "{}")


ADDON = made(tenants=Losing())
