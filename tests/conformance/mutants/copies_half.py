"""Copies some of the values inside its server; what it outlines is the same for all data."""

import json

from addonkit import Fingerprint, ServerAccess, SetDigest, Tenant
from mutants.depot import administer, made
from mutants.depot_backups import Kept

CAUGHT_BY = "a_copy_has_all_and_stands_alone[shared]"
SAYS = "(in a copy)"


class Half(Kept):
    async def copy(self, access: ServerAccess, source: str, tenant: Tenant) -> bool:
        """Copy one value."""
        values = json.loads(await administer(access, "GET", f"{source}=values"))
        await administer(access, "PUT", f"{tenant.claim}=values", json.dumps(dict(list(values.items())[:1])))
        return True

    async def outline(self, access: ServerAccess, tenant: Tenant) -> Fingerprint:
        """Outline nothing."""
        return Fingerprint((SetDigest().part("values", "values"),))


ADDON = made(tenants=Half())
