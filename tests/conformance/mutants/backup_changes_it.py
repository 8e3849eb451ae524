"""Empties the instance that it backs up."""

from addonkit import ArchiveWriter, Fingerprint, ServerAccess, Tenant
from mutants.depot import administer, made
from mutants.depot_backups import Kept

CAUGHT_BY = "data_come_back_from_a_backup[shared]"
SAYS = "after it was backed up"


class Moving(Kept):
    async def dump(self, access: ServerAccess, tenant: Tenant, archive: ArchiveWriter) -> Fingerprint:
        """Move them instead of copying them."""
        found = await super().dump(access, tenant, archive)
        await administer(access, "PUT", f"{tenant.claim}=values", "{}")
        return found


ADDON = made(tenants=Moving())
