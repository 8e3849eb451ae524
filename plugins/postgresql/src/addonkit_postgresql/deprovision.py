"""How an instance is removed, from whatever state it is in."""

from __future__ import annotations

from addonkit import Instance, ProviderFramework, Saga, Sagas, step
from addonkit_postgresql import admin
from addonkit_postgresql.reach import tidy
from addonkit_postgresql.server import SERVER


@step(undo=None, timeout=120)
async def drop_database(framework: ProviderFramework, instance: Instance, server_id: str, claim: str) -> None:
    """Drop the database."""
    await tidy(framework, instance, server_id, lambda server: admin.drop_database(server, claim, instance.id))


@step(undo=None)
async def drop_role(framework: ProviderFramework, instance: Instance, server_id: str, claim: str) -> None:
    """Drop the role."""
    await tidy(framework, instance, server_id, lambda server: admin.drop_role(server, claim, instance.id))


@step(undo=None, timeout=600, runs=(SERVER.remove,))
async def leave_server(framework: ProviderFramework, sagas: Sagas, instance: Instance, server_id: str) -> None:
    """Leave the server; the last one out removes it."""
    if server_id:
        await SERVER.leave_server(framework, sagas, instance, server_id)


DEPROVISION: Saga[None] = Saga(
    "postgresql.deprovision", inputs=("server_id", "claim"), steps=(drop_database, drop_role, leave_server)
)
