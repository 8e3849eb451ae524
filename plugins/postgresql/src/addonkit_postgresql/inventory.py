"""What lives on a shared server, and the removal of what no instance owns."""

from __future__ import annotations

from addonkit import Busy, Inventory, ProviderFramework, Saga, step
from addonkit_postgresql import admin
from addonkit_postgresql.reach import administrator


@step(gives="result", undo=None)
async def list_claims(framework: ProviderFramework, server_id: str) -> Inventory:
    """List what lives on the server."""
    return Inventory(await admin.list_claims(await administrator(framework, server_id)))


INSPECT: Saga[Inventory] = Saga("postgresql.inspect", inputs=("server_id",), steps=(list_claims,))


@step(undo=None, timeout=120)
async def drop_claim(framework: ProviderFramework, server_id: str, claim: str) -> None:
    """Drop a database that no instance owns."""
    if any(tenant.claim == claim for tenant in await framework.servers.tenants(server_id)):
        raise Busy(f"cannot drop {claim}", "an instance has taken the name meanwhile")
    await admin.drop_claim(await administrator(framework, server_id), claim)


DROP_CLAIM: Saga[None] = Saga("postgresql.drop-claim", inputs=("server_id", "claim"), steps=(drop_claim,))
