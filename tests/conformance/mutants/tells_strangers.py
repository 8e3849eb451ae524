"""Tells tenants under other names than theirs."""

from addonkit import ServerAccess
from mutants.depot import Users, made

CAUGHT_BY = "neighbours_are_kept_apart[shared]"
SAYS = "taken for orphans"


class Loud(Users):
    async def list_claims(self, access: ServerAccess) -> tuple[str, ...]:
        """List users in capital letters."""
        return tuple(name.upper() for name in await super().list_claims(access))


ADDON = made(tenants=Loud())
