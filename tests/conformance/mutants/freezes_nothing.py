"""Says that apps cannot write any more while their data move, and lets them."""

from addonkit import ServerAccess, Tenant
from mutants.depot import made
from mutants.depot_backups import Kept

CAUGHT_BY = "an_instance_moves_to_another_variant[small]"
SAYS = "an app can write into its former place"


class Open(Kept):
    async def freeze(self, access: ServerAccess, tenant: Tenant) -> None:
        """Do nothing."""

    async def thaw(self, access: ServerAccess, tenant: Tenant) -> None:
        """Do nothing."""


ADDON = made(tenants=Open())
