"""Removes the place and leaves the login, which then opens nothing; it lists places alone."""

from collections.abc import Mapping

from addonkit import Secret, ServerAccess, Tenant
from mutants import depot
from mutants.depot import Users, administer, made

CAUGHT_BY = "a_login_ends_with_its_instance[shared]"
SAYS = "the service knows the old login after its instance was destroyed, though it opens nothing"
CLIENT = "mutants.login_outlives_its_place:Client"


class Client(depot.Client):
    """Asks the service for facts, which it tells every login."""

    def knows(self, environ: Mapping[str, str]) -> bool:
        place = f"http://{environ['DEPOT_HOST']}:{environ['DEPOT_PORT']}/facts/"
        depot.call(place, f"{environ['DEPOT_USER']}+app", environ["DEPOT_PASSWORD"])
        return True


class Two(Users):
    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Create the user, and a login beside it."""
        await super().create_tenant(access, tenant, password)
        await administer(access, "PUT", f"{tenant.claim}+app", password.reveal())

    async def list_claims(self, access: ServerAccess) -> tuple[str, ...]:
        """List users without logins."""
        return tuple(each for each in await super().list_claims(access) if "+" not in each)


ADDON = made(tenants=Two())
