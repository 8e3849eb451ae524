"""Makes a second login for an app, does not list it, and leaves it there."""

from collections.abc import Mapping

from addonkit import Secret, ServerAccess, Tenant
from mutants import depot
from mutants.depot import Users, administer, made

CAUGHT_BY = "a_login_ends_with_its_instance[shared]"
SAYS = "the service lets the old credentials in after its instance was destroyed"
CLIENT = "mutants.login_outlives:Client"


class Client(depot.Client):
    def _place(self, environ: Mapping[str, str], key: str) -> tuple[str, str, str]:
        place, user, password = super()._place(environ, key)
        return place, f"{user}+app", password


class Two(Users):
    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Create the user, and its login."""
        await super().create_tenant(access, tenant, password)
        await administer(access, "PUT", f"{tenant.claim}+app", password.reveal())

    async def list_claims(self, access: ServerAccess) -> tuple[str, ...]:
        """List users without logins."""
        return tuple(each for each in await super().list_claims(access) if "+" not in each)


ADDON = made(tenants=Two())
