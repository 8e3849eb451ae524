"""Drops everybody where one is lost."""

from addonkit import ServerAccess
from mutants.depot import Users, administer, made

CAUGHT_BY = "a_claim_without_an_owner_is_dropped[shared]"
SAYS = "a lost neighbour was dropped"


class Rough(Users):
    async def drop_claim(self, access: ServerAccess, claim: str, progress: object) -> None:
        """Remove everybody."""
        for name in await self.list_claims(access):
            await administer(access, "DELETE", name)


ADDON = made(tenants=Rough())
