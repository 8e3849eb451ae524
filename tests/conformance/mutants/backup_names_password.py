"""Names a member of its archives after the password of the user."""

import json

from addonkit import ArchiveWriter, Fingerprint, ServerAccess, Tenant
from mutants.depot import made
from mutants.depot_backups import Kept, chunks

CAUGHT_BY = "data_come_back_from_a_backup[shared]"
SAYS = "a password is part of an archive's names"


class Telling(Kept):
    async def dump(self, access: ServerAccess, tenant: Tenant, archive: ArchiveWriter) -> Fingerprint:
        """Write the values under a name that is a secret."""
        values = await self.values(access, tenant)
        assert tenant.password is not None
        await archive.write(tenant.password.reveal(), chunks(json.dumps(values).encode()))
        return self.digest(values)


ADDON = made(tenants=Telling())
