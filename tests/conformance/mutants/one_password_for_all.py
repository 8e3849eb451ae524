"""Gives every app the same password."""

import attrs

from addonkit import Secret, ServerAccess, Tenant
from mutants.depot import Users, made, variables

CAUGHT_BY = "credentials_open_nothing_of_another_app[shared]"
SAYS = "an app reads another's data"

PASSWORD = Secret("the-same-for-everybody-and-long-enough")


class Same(Users):
    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Create the user."""
        await super().create_tenant(access, tenant, PASSWORD)


ADDON = made(tenants=Same(), variables=lambda access: variables(attrs.evolve(access, password=PASSWORD)))
