"""Steps of addons whose servers know tenants."""

from __future__ import annotations

from addonkit.errors import Busy
from addonkit.models.app import Variant
from addonkit.models.instance import Instance, Phase
from addonkit.models.result import Inventory
from addonkit.models.secret import Secret
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import admin_access, cleanup_tenant, ensure_access
from addonkit.provider.server_addon.configuring import OptionTenants
from addonkit.provider.server_addon.declaration import PASSWORD, Progress, Tenant, Tenants
from addonkit.provider.server_addon.logins import known_logins
from addonkit.saga.step import Step, step, title_of

LONG = 3600.0
"""Seconds that removing a tenant's data may take."""


@step(gives="password", effect=False)
async def generate_password() -> Secret:
    """Generate a password."""
    return Secret.generate()


def create_tenant_step(tenants: Tenants) -> Step:
    """The step that lets a tenant in, and undoes it."""

    @step(title=title_of(tenants.create_tenant), timeout=600)
    async def create_tenant(
        framework: ProviderFramework, instance: Instance, variant: Variant, server_id: str, claim: str, password: Secret
    ) -> None:
        tenant, access = Tenant(claim, instance.id, variant.config), await ensure_access(framework, server_id)
        await tenants.create_tenant(access, tenant, password)
        if isinstance(tenants, OptionTenants):
            await tenants.configure(access, tenant, {})

    @create_tenant.undo
    async def undo_create_tenant(
        framework: ProviderFramework, instance: Instance, progress: Progress, server_id: str, claim: str
    ) -> None:
        await _remove(tenants, framework, instance, progress, server_id, claim)

    return create_tenant


def remove_tenant_step(tenants: Tenants) -> Step:
    """The step that removes a tenant with its data."""

    @step(title=title_of(tenants.remove_tenant), undo=None, timeout=LONG)
    async def remove_tenant(
        framework: ProviderFramework, instance: Instance, progress: Progress, server_id: str, claim: str
    ) -> None:
        await _remove(tenants, framework, instance, progress, server_id, claim)

    return remove_tenant


def list_claims_step(tenants: Tenants) -> Step:
    """The step that lists what lives on a server."""

    @step(gives="result", undo=None)
    async def list_claims(framework: ProviderFramework, server_id: str) -> Inventory:
        """List what lives on the server."""
        there = await framework.servers.tenants(server_id)
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

    return list_claims


def drop_claim_step(tenants: Tenants) -> Step:
    """The step that removes what no instance owns."""

    @step(undo=None, timeout=LONG)
    async def drop_claim(framework: ProviderFramework, progress: Progress, server_id: str, claim: str) -> None:
        """Drop what no instance owns."""
        if any(tenant.claim == claim for tenant in await framework.servers.tenants(server_id)):
            raise Busy(f"cannot drop {claim}", "an instance has taken the name meanwhile")
        await tenants.drop_claim(await admin_access(framework, server_id), claim, progress)

    return drop_claim


async def _remove(
    tenants: Tenants,
    framework: ProviderFramework,
    instance: Instance,
    progress: Progress,
    server_id: str,
    claim: str,
) -> None:
    tenant = Tenant(claim, instance.id, instance.config)
    await cleanup_tenant(framework, instance, server_id, lambda access: tenants.remove_tenant(access, tenant, progress))
