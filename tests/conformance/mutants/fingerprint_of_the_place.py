"""Takes its own name into the fingerprint, so that no other place ever has the same."""

from addonkit import Fingerprint, Part, ServerAccess, Tenant
from mutants.depot import made
from mutants.depot_backups import Kept

CAUGHT_BY = "data_come_back_from_a_backup[shared]"
SAYS = "an empty instance cannot be backed up"


class Placed(Kept):
    async def fingerprint(self, access: ServerAccess, tenant: Tenant) -> Fingerprint:
        """Add the name of the user."""
        found = await super().fingerprint(access, tenant)
        return Fingerprint((*found.parts, Part(tenant.owner, 1, tenant.owner)))


ADDON = made(tenants=Placed())
