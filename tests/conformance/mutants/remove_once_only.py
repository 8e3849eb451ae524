"""Fails to remove what does not exist any more."""

from addonkit import ServerAccess, Tenant
from mutants.depot import Users, administer, made

CAUGHT_BY = "a_crash_at_any_point_is_recovered_from[shared-destroy]"
SAYS = "it answers 404"


class Once(Users):
    async def remove_tenant(self, access: ServerAccess, tenant: Tenant, progress: object) -> None:
        """Remove the user, which must be there."""
        await administer(access, "DELETE", tenant.claim, gone="bad")


ADDON = made(tenants=Once())
