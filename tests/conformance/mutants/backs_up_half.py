"""Leaves values out of its backups, and says that they are in."""

import json

from addonkit import ArchiveWriter, Fingerprint, ServerAccess, Tenant
from mutants.depot import made
from mutants.depot_backups import Kept, chunks

CAUGHT_BY = "data_come_back_from_a_backup[shared]"
SAYS = "values: 2 values instead of 4"


class Half(Kept):
    async def dump(self, access: ServerAccess, tenant: Tenant, archive: ArchiveWriter) -> Fingerprint:
        """Write every other value."""
        values = await self.values(access, tenant)
        kept = dict(list(values.items())[::2])
        await archive.write("values.json", chunks(json.dumps(kept).encode()))
        return self.digest(values)


ADDON = made(tenants=Half())
