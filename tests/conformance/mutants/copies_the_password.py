"""Gives a copy the values of its original inside the server, and the password too."""

import json

from addonkit import ServerAccess, Tenant
from mutants.copies_half import Half
from mutants.depot import administer, made

CAUGHT_BY = "a_copy_has_all_and_stands_alone[shared]"
SAYS = "a copy opens with the password of what it was made from"


class Whole(Half):
    """Users that are copied whole."""

    async def copy(self, access: ServerAccess, source: str, tenant: Tenant) -> bool:
        """Copy the values and the password."""
        values = json.loads(await administer(access, "GET", f"{source}=values"))
        await administer(access, "PUT", f"{tenant.claim}=values", json.dumps(values))
        password = await administer(access, "GET", f"{source}=password")
        await administer(access, "PUT", f"{tenant.claim}=password", password)
        return True


ADDON = made(tenants=Whole())
