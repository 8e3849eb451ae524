"""Offers an option that holds for one tenant, and does nothing about it."""

from collections.abc import Mapping

from addonkit import OptionDefinition, OptionType, ServerAccess, Tenant
from mutants.depot import Users, defined, made

CAUGHT_BY = "an_option_that_is_set_is_what_the_server_says[shared]"
SAYS = "sessions was set, and the server has sessions 4 instead of 5"


class Careless(Users):
    """Users whose limit stays."""

    async def configure(self, access: ServerAccess, tenant: Tenant, former: Mapping[str, str]) -> None:
        """See Tenants."""


OPTION = OptionDefinition(
    "sessions", "Sessions of an app", OptionType.INTEGER, minimum="1", maximum="9", per_tenant=True
)

ADDON = made(definition=defined(options=(OPTION,)), tenants=Careless())
