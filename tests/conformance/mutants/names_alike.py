"""Takes names that sanitize alike for one."""

import attrs

from addonkit import Secret, ServerAccess, Tenant, sanitize_identifier
from mutants.depot import Users, made, variables

CAUGHT_BY = "names_that_look_alike_are_kept_apart[shared]"
SAYS = "401"


class Alike(Users):
    def wanted_claim(self, app: str) -> str:
        return f"{sanitize_identifier(app, 30)}-{len(app)}"

    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Create the user, by the beginning of its name."""
        await super().create_tenant(access, attrs.evolve(tenant, claim=short(tenant.claim)), password)

    async def remove_tenant(self, access: ServerAccess, tenant: Tenant, progress: object) -> None:
        """Remove the user."""
        await super().remove_tenant(access, attrs.evolve(tenant, claim=short(tenant.claim)), progress)


def short(claim: str) -> str:
    return claim.partition("-")[0]


ADDON = made(tenants=Alike(), variables=lambda access: variables(attrs.evolve(access, claim=short(access.claim))))
