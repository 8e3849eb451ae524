"""Fails when it is asked who lives on its shared server."""

from addonkit import ServerAccess
from mutants.depot import Users, made

CAUGHT_BY = "neighbours_are_kept_apart[shared]"
SAYS = "its server cannot be asked what it has"


class Mute(Users):
    async def list_claims(self, access: ServerAccess) -> tuple[str, ...]:
        """List what the server does not tell."""
        raise KeyError(access.server.id)


ADDON = made(tenants=Mute())
