"""Says that it is ready before it has let the app in."""

from addonkit import Secret, ServerAccess, Tenant
from mutants.depot import Users, made

CAUGHT_BY = "an_app_can_use_what_it_gets[small]"
SAYS = "cannot write with the variables it was given"


class Later(Users):
    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Put it off."""


ADDON = made(tenants=Later())
