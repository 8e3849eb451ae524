"""Refuses to find its own work done already."""

from addonkit import AlreadyExists, Secret, ServerAccess, Tenant
from mutants.depot import Users, made

CAUGHT_BY = "a_crash_at_any_point_is_recovered_from[shared-create]"
SAYS = '"it is there"'


class Once(Users):
    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Create the user, which must not be there."""
        if tenant.claim in await self.list_claims(access):
            raise AlreadyExists(f"cannot create {tenant.claim}", "it is there")
        await super().create_tenant(access, tenant, password)


ADDON = made(tenants=Once())
