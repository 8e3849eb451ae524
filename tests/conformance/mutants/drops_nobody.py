"""Leaves a tenant without an instance."""

from addonkit import ServerAccess
from mutants.depot import Users, made

CAUGHT_BY = "a_claim_without_an_owner_is_dropped[shared]"
SAYS = "a lost tenant stays"


class Idle(Users):
    async def drop_claim(self, access: ServerAccess, claim: str, progress: object) -> None:
        """Do nothing."""


ADDON = made(tenants=Idle())
