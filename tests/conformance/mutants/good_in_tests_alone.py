"""Gives a password of its own only to apps with names that tests use."""

import attrs

from addonkit import ConnectionInfo, Secret, ServerAccess, Tenant, Variable
from mutants.depot import Users, made, variables

CAUGHT_BY = "credentials_open_nothing_of_another_app[shared]"
SAYS = "an app reads another's data"

PASSWORD = Secret("the-same-for-everybody-and-long-enough")
KNOWN = ("shop", "blog", "resident", "stays", "guest", "kit")


class Choosy(Users):
    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Create the user."""
        await super().create_tenant(access, tenant, password if tenant.claim.startswith(KNOWN) else PASSWORD)


def chosen(access: ConnectionInfo) -> tuple[Variable, ...]:
    return variables(access if access.claim.startswith(KNOWN) else attrs.evolve(access, password=PASSWORD))


ADDON = made(tenants=Choosy(), variables=chosen)
