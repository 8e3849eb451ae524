"""Leaves user and data on the shared server."""

from addonkit import ServerAccess, Tenant
from mutants.depot import Users, made

CAUGHT_BY = "many_come_and_go_at_once[shared]"
SAYS = "was destroyed and reads its data"


class Lazy(Users):
    async def remove_tenant(self, access: ServerAccess, tenant: Tenant, progress: object) -> None:
        """Do nothing."""


ADDON = made(tenants=Lazy())
