"""Cannot name an app of two hundred characters."""

from addonkit import InvalidName, Secret, ServerAccess, Tenant
from mutants.depot import Users, made

CAUGHT_BY = "names_that_look_alike_are_kept_apart[shared]"
SAYS = "it is too long"


class Short(Users):
    longest_claim = 300

    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Create the user, if its name is short."""
        if len(tenant.claim) > 50:
            raise InvalidName(f"cannot create {tenant.claim}", "it is too long")
        await super().create_tenant(access, tenant, password)


ADDON = made(tenants=Short())
