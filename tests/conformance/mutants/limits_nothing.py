"""Says that apps cannot fill the disk, and lets them."""

from addonkit import ServerAccess, Tenant
from mutants.depot import Users, made

CAUGHT_BY = "an_app_cannot_fill_a_full_disk[small]"
SAYS = "an app writes to a disk that is full"


class Open(Users):
    async def limit_writes(self, access: ServerAccess, tenant: Tenant, *, denied: bool) -> None:
        """Do nothing."""


ADDON = made(tenants=Open())
