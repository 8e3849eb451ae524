"""The good addon with backups: values of a user as members of the archive. Broken ones are made from it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from addonkit import ArchiveReader, ArchiveWriter, Fingerprint, ServerAccess, SetDigest, Tenant
from mutants.depot import Users, administer, made

CAUGHT_BY = ""


class Kept(Users):
    """Users whose values can be backed up."""

    async def dump(self, access: ServerAccess, tenant: Tenant, archive: ArchiveWriter) -> Fingerprint:
        """Write the values."""
        values = await self.values(access, tenant)
        await archive.write("values.json", chunks(json.dumps(values).encode()))
        return self.digest(values)

    async def load(self, access: ServerAccess, tenant: Tenant, archive: ArchiveReader) -> None:
        """Write them into the user."""
        async for member in archive.members():
            content = b"".join([chunk async for chunk in member.content()])
            await administer(access, "PUT", f"{tenant.claim}=values", content.decode())

    async def fingerprint(self, access: ServerAccess, tenant: Tenant) -> Fingerprint:
        """Digest the values."""
        return self.digest(await self.values(access, tenant))

    async def values(self, access: ServerAccess, tenant: Tenant) -> dict[str, str]:
        """The values of a user."""
        found: dict[str, str] = json.loads(await administer(access, "GET", f"{tenant.claim}=values"))
        return found

    def digest(self, values: dict[str, str]) -> Fingerprint:
        """The fingerprint of values."""
        digest = SetDigest()
        for key, value in values.items():
            digest.add(json.dumps([key, value]).encode())
        return Fingerprint((digest.part("values", "values"),))


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


ADDON = made(tenants=Kept())
