"""Says that its server reads another certificate while it runs; the server keeps the former one."""

from addonkit import ServerAccess
from mutants.depot import Users
from mutants.secure_depot import made

CLIENT = "mutants.secure_depot:Client"
CAUGHT_BY = "apps_verify_a_server_that_listens[small]"
SAYS = "another authority has signed the certificate since"


class Idle(Users):
    async def reload_certificate(self, access: ServerAccess) -> None:
        """Do nothing."""


ADDON = made(tenants=Idle())
