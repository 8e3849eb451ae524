"""Steps that list what lives on a server, and drop what no instance owns."""

from __future__ import annotations

from addonkit.errors import Busy
from addonkit.models.instance import Phase
from addonkit.models.result import Inventory
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.provider.server_addon.declaration import PASSWORD, Progress, Tenant, Tenants
from addonkit.provider.server_addon.logins import known_logins
from addonkit.provider.server_addon.tenancy import LONG
from addonkit.saga.step import step
from addonkit.util.values import frozen


@frozen
class ClaimSteps:
    """Looks at all claims on a server."""

    tenants: Tenants

    @step(gives="result", undo=None)
    async def list_claims(self, framework: ProviderFramework, server_id: str) -> Inventory:
        """List what lives on the server."""
        tenants, there = self.tenants, await framework.servers.tenants(server_id)
        active = [each for each in there if each.claim and each.phase is Phase.ACTIVE]
        access = await admin_access(framework, server_id)
        lost = await tenants.find_lost(access, [each.claim for each in active])
        whole = [
            Tenant(each.claim, each.id, each.config, each.attributes.get(PASSWORD), await known_logins(framework, each))
            for each in active
            if each.claim not in lost
        ]
        changed = await tenants.find_changed(access, whole)
        outdated = await tenants.find_outdated(access, [each.claim for each in whole])
        hogs = await tenants.find_hogs(access, [each.claim for each in active])
        return Inventory(await tenants.list_claims(access), lost, changed, outdated, hogs)

    @step(undo=None, timeout=LONG)
    async def drop_claim(self, framework: ProviderFramework, progress: Progress, server_id: str, claim: str) -> None:
        """Drop what no instance owns."""
        if any(tenant.claim == claim for tenant in await framework.servers.tenants(server_id)):
            raise Busy(f"cannot drop {claim}", "an instance has taken the name meanwhile")
        await self.tenants.drop_claim(await admin_access(framework, server_id), claim, progress)
