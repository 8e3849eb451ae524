"""How instances are made and removed: one saga for both variants, a dedicated server being one with one tenant."""

from __future__ import annotations

import attrs

from addonkit import (
    CONFIG_IMAGE,
    CONFIG_VERSION,
    Instance,
    Inventory,
    ProviderFramework,
    ProvisionResult,
    Saga,
    Sagas,
    Secret,
    Server,
    ServerAddress,
    TransientError,
    Variant,
    is_shared_variant,
    step,
)
from addonkit_postgresql import admin
from addonkit_postgresql.naming import LONGEST, Reserved, wanted_name
from addonkit_postgresql.server import SERVER
from addonkit_postgresql.variables import variables

SHARED_CONNECTIONS = 50
"""Connections that one app may have at once on a shared server."""


@attrs.frozen
class Place:
    """Where an instance lives: the server, and its name there."""

    server_id: str
    claim: str


def server_key(instance: Instance, variant: Variant) -> str:
    """What the instance's server is found by: itself, or everything that must be equal to share one."""
    if not is_shared_variant(variant.name):
        return instance.id
    return f"shared:{variant.config.get(CONFIG_IMAGE, '')}:{variant.config.get(CONFIG_VERSION, '')}"


@step
async def join_server(framework: ProviderFramework, instance: Instance, variant: Variant) -> Place:
    """Find a place on a server."""
    tenancy = await framework.servers.join(
        instance,
        key=server_key(instance, variant),
        claim=wanted_name(instance.app),
        reserved=Reserved(),
        longest_claim=LONGEST,
        attributes={"admin_password": Secret.generate()},
    )
    return Place(tenancy.server_id, tenancy.claim)


@join_server.undo
async def _(framework: ProviderFramework, sagas: Sagas, instance: Instance, server_id: str = "") -> None:
    if server_id or instance.server:
        await SERVER.leave_server(framework, sagas, instance, server_id or instance.server)


@step(gives="address", undo=None, timeout=600, runs=(SERVER.ensure,))
async def ensure_server(sagas: Sagas, server_id: str) -> ServerAddress:
    """Make sure that the server runs."""
    return await SERVER.ensure_server(sagas, server_id)


@step(gives="password", undo=None)
async def generate_password() -> Secret:
    """Generate a password."""
    return Secret.generate()


@step
async def create_role(
    framework: ProviderFramework,
    instance: Instance,
    variant: Variant,
    server_id: str,
    address: ServerAddress,
    claim: str,
    password: Secret,
) -> None:
    """Create the role."""
    limit = SHARED_CONNECTIONS if is_shared_variant(variant.name) else -1
    await admin.create_role(await _administrator(framework, server_id, address), claim, password, instance.id, limit)


@create_role.undo
async def _(
    framework: ProviderFramework, instance: Instance, server_id: str, address: ServerAddress, claim: str
) -> None:
    await admin.drop_role(await _administrator(framework, server_id, address), claim, instance.id)


@step(timeout=120)
async def create_database(framework: ProviderFramework, server_id: str, address: ServerAddress, claim: str) -> None:
    """Create the database."""
    await admin.create_database(await _administrator(framework, server_id, address), claim, claim)


@create_database.undo
async def _(framework: ProviderFramework, server_id: str, address: ServerAddress, claim: str) -> None:
    await admin.drop_database(await _administrator(framework, server_id, address), claim, claim)


@step(gives="result", undo=None)
async def build_result(server_id: str, address: ServerAddress, claim: str, password: Secret) -> ProvisionResult:
    """Put the variables together."""
    given = variables(address.host, address.port, claim, password, claim)
    return ProvisionResult(given, {"server_id": server_id, "database": claim, "role": claim})


PROVISION: Saga[ProvisionResult] = Saga(
    "postgresql.provision",
    steps=(join_server, ensure_server, generate_password, create_role, create_database, build_result),
)


@step(undo=None, timeout=120)
async def drop_database(framework: ProviderFramework, instance: Instance, server_id: str, claim: str) -> None:
    """Drop the database and its role."""
    server = await framework.servers.get(server_id)
    if server is None or not server.shared:
        # A server of its own goes with all that is on it, also when it does not run any more.
        return
    try:
        administrator = await _administrator(framework, server_id)
        await admin.drop_database(administrator, claim, claim)
        await admin.drop_role(administrator, claim, instance.id)
    except TransientError:
        # It does not run. Nobody else being there, it goes as a whole in the next step.
        if any(tenant.id != instance.id for tenant in await framework.servers.tenants(server_id)):
            raise


@step(undo=None, timeout=600, runs=(SERVER.remove,))
async def leave_server(framework: ProviderFramework, sagas: Sagas, instance: Instance, server_id: str) -> None:
    """Leave the server; the last one out removes it."""
    if server_id:
        await SERVER.leave_server(framework, sagas, instance, server_id)


DEPROVISION: Saga[None] = Saga(
    "postgresql.deprovision", inputs=("server_id", "claim"), steps=(drop_database, leave_server)
)


@step(gives="result", undo=None)
async def list_claims(framework: ProviderFramework, server_id: str) -> Inventory:
    """List what lives on the server."""
    return Inventory(await admin.list_claims(await _administrator(framework, server_id)))


INSPECT: Saga[Inventory] = Saga("postgresql.inspect", inputs=("server_id",), steps=(list_claims,))


@step(undo=None)
async def drop_claim(framework: ProviderFramework, server_id: str, claim: str) -> None:
    """Drop a database that no instance owns."""
    await admin.drop_claim(await _administrator(framework, server_id), claim)


DROP_CLAIM: Saga[None] = Saga("postgresql.drop-claim", inputs=("server_id", "claim"), steps=(drop_claim,))


async def _administrator(
    framework: ProviderFramework, server_id: str, address: ServerAddress | None = None
) -> admin.Administrator:
    server: Server | None = await framework.servers.get(server_id)
    if server is None:
        raise TransientError(f"working on server {server_id}", "its record is gone")
    if address is None:
        found = await framework.get_service_address(server_id)
        address = ServerAddress(found.host, found.port)
    return admin.Administrator(address, server.attributes["admin_password"])
