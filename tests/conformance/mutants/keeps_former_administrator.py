"""Says that its administrator's password can be replaced, and keeps the former one."""

from collections.abc import Sequence

from addonkit import Secret, ServerAccess
from mutants.depot import Users, made

CAUGHT_BY = "the_administrator_gets_another_password[small]"
SAYS = "the administrator's password cannot be replaced"


class Faithful(Users):
    async def set_admin_passwords(self, access: ServerAccess, passwords: Sequence[Secret]) -> None:
        """Change nothing."""


ADDON = made(tenants=Faithful())
