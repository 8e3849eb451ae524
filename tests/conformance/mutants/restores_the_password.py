"""Keeps the password in its backups, so that it opens what is restored from them."""

import json

from addonkit import ArchiveReader, ArchiveWriter, Fingerprint, ServerAccess, Tenant
from mutants.depot import administer, made
from mutants.depot_backups import Kept, chunks

CAUGHT_BY = "data_come_back_from_a_backup[shared]"
SAYS = "what was restored from a backup opens with the password of what it was made from"


class Whole(Kept):
    """Users that are backed up whole."""

    async def dump(self, access: ServerAccess, tenant: Tenant, archive: ArchiveWriter) -> Fingerprint:
        """Write the password and the values."""
        values = await self.values(access, tenant)
        password = await administer(access, "GET", f"{tenant.claim}=password")
        await archive.write("whole.json", chunks(json.dumps([values, password]).encode()))
        return self.digest(values)

    async def load(self, access: ServerAccess, tenant: Tenant, archive: ArchiveReader) -> None:
        """Write both into the user."""
        async for member in archive.members():
            content = b"".join([chunk async for chunk in member.content()])
            values, password = json.loads(content)
            await administer(access, "PUT", f"{tenant.claim}=values", json.dumps(values))
            await administer(access, "PUT", f"{tenant.claim}=password", password)


ADDON = made(tenants=Whole())
