"""Removes all users when one goes."""

from addonkit import ServerAccess, Tenant
from mutants.depot import Users, administer, made

CAUGHT_BY = "many_come_and_go_at_once[shared]"
SAYS = "all others were destroyed at once"


class Careless(Users):
    async def remove_tenant(self, access: ServerAccess, tenant: Tenant, progress: object) -> None:
        """Remove everybody."""
        for name in await self.list_claims(access):
            await administer(access, "DELETE", name)


ADDON = made(tenants=Careless())
