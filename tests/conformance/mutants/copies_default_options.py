"""Copies all values inside its server, and gives the copy the default of an option in the place of its own value."""

from __future__ import annotations

import json
from collections.abc import Mapping

from addonkit import Fingerprint, OptionDefinition, OptionType, Secret, ServerAccess, Tenant
from mutants.depot import administer, defined, made
from mutants.depot_backups import Kept

CAUGHT_BY = "a_copy_has_all_and_stands_alone[shared]"
SAYS = "a copy has sessions 4 instead of 5"


class Limited(Kept):
    """Users with a limit each."""

    async def create_tenant(self, access: ServerAccess, tenant: Tenant, password: Secret) -> None:
        """Create the user with its limit."""
        await super().create_tenant(access, tenant, password)
        await self.limit(access, tenant, tenant.config["sessions"])

    async def configure(self, access: ServerAccess, tenant: Tenant, former: Mapping[str, str]) -> None:
        """Change the limit."""
        await self.limit(access, tenant, tenant.config["sessions"])

    async def copy(self, access: ServerAccess, source: str, tenant: Tenant) -> bool:
        """Copy the values, and start with the limit that everybody has."""
        values = await administer(access, "GET", f"{source}=values")
        await administer(access, "PUT", f"{tenant.claim}=values", values)
        await self.limit(access, tenant, "4")
        return True

    async def outline(self, access: ServerAccess, tenant: Tenant) -> Fingerprint:
        """Digest the values."""
        return self.digest(json.loads(await administer(access, "GET", f"{tenant.claim}=values")))

    async def limit(self, access: ServerAccess, tenant: Tenant, sessions: str) -> None:
        """Limit the user's sessions."""
        await administer(access, "PUT", f"{tenant.claim}=sessions", sessions)


OPTION = OptionDefinition(
    "sessions", "Sessions of an app", OptionType.INTEGER, minimum="1", maximum="9", per_tenant=True
)

ADDON = made(definition=defined(options=(OPTION,)), tenants=Limited())
