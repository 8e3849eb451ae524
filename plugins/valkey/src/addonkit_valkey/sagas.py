"""How instances are made and removed: one saga for both variants, a dedicated server being one with one tenant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
    ServerAddress,
    TransientError,
    Variant,
    is_shared_variant,
    sanitize_identifier,
    step,
)
from addonkit_valkey import admin
from addonkit_valkey.acl import owner_rules, tenant_rules
from addonkit_valkey.admin import SYSTEM_USERS
from addonkit_valkey.server import SERVER
from addonkit_valkey.variables import variables

LONGEST_NAME = 100
"""Characters of a user's name, which is also the prefix of its keys."""


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


def prefix_of(claim: str) -> str:
    """The prefix of a tenant's keys and channels. A claim has no `:`, so that no prefix begins another."""
    return f"{claim}:"


@step
async def join_server(framework: ProviderFramework, instance: Instance, variant: Variant) -> Place:
    """Find a place on a server."""
    tenancy = await framework.servers.join(
        instance,
        key=server_key(instance, variant),
        claim=sanitize_identifier(instance.app, LONGEST_NAME),
        reserved=SYSTEM_USERS,
        longest_claim=LONGEST_NAME,
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
async def create_user(
    framework: ProviderFramework,
    variant: Variant,
    server_id: str,
    address: ServerAddress,
    claim: str,
    password: Secret,
) -> None:
    """Create the user."""
    administrator = await _administrator(framework, server_id, address)
    if is_shared_variant(variant.name):
        await admin.set_user(administrator, claim, tenant_rules(password, prefix_of(claim)))
    else:
        await admin.set_user(administrator, "default", owner_rules(password))


@create_user.undo
async def _(framework: ProviderFramework, variant: Variant, server_id: str, address: ServerAddress, claim: str) -> None:
    if is_shared_variant(variant.name):
        await admin.drop_user(await _administrator(framework, server_id, address), claim)


@step(gives="result", undo=None)
async def build_result(
    variant: Variant, server_id: str, address: ServerAddress, claim: str, password: Secret
) -> ProvisionResult:
    """Put the variables together."""
    attributes = {"server_id": server_id, "claim": claim}
    if is_shared_variant(variant.name):
        given = variables(address.host, address.port, password, claim, prefix_of(claim))
    else:
        given = variables(address.host, address.port, password)
    return ProvisionResult(given, attributes)


PROVISION: Saga[ProvisionResult] = Saga(
    "valkey.provision", steps=(join_server, ensure_server, generate_password, create_user, build_result)
)


@step(undo=None, timeout=3600)
async def drop_tenant(
    framework: ProviderFramework, instance: Instance, progress: Callable[[str], Any], server_id: str, claim: str
) -> None:
    """Remove the user and its keys."""
    server = await framework.servers.get(server_id)
    if server is None or not server.shared:
        # A server of its own goes with all that is on it, also when it does not run any more.
        return
    try:
        administrator = await _administrator(framework, server_id)
        await admin.drop_user(administrator, claim)
        await admin.drop_keys(administrator, prefix_of(claim), progress)
    except TransientError:
        # It does not run. Nobody else being there, it goes as a whole in the next step.
        if any(tenant.id != instance.id for tenant in await framework.servers.tenants(server_id)):
            raise


@step(undo=None, timeout=600, runs=(SERVER.remove,))
async def leave_server(framework: ProviderFramework, sagas: Sagas, instance: Instance, server_id: str) -> None:
    """Leave the server; the last one out removes it."""
    if server_id:
        await SERVER.leave_server(framework, sagas, instance, server_id)


DEPROVISION: Saga[None] = Saga("valkey.deprovision", inputs=("server_id", "claim"), steps=(drop_tenant, leave_server))


@step(gives="result", undo=None)
async def list_claims(framework: ProviderFramework, server_id: str) -> Inventory:
    """List what lives on the server."""
    return Inventory(await admin.list_users(await _administrator(framework, server_id)))


INSPECT: Saga[Inventory] = Saga("valkey.inspect", inputs=("server_id",), steps=(list_claims,))


@step(undo=None, timeout=3600)
async def drop_claim(framework: ProviderFramework, progress: Callable[[str], Any], server_id: str, claim: str) -> None:
    """Drop a user and keys that no instance owns."""
    administrator = await _administrator(framework, server_id)
    await admin.drop_user(administrator, claim)
    await admin.drop_keys(administrator, prefix_of(claim), progress)


DROP_CLAIM: Saga[None] = Saga("valkey.drop-claim", inputs=("server_id", "claim"), steps=(drop_claim,))


async def _administrator(
    framework: ProviderFramework, server_id: str, address: ServerAddress | None = None
) -> admin.Administrator:
    server = await framework.servers.get(server_id)
    if server is None:
        raise TransientError(f"working on server {server_id}", "its record is gone")
    if address is None:
        found = await framework.get_service_address(server_id)
        address = ServerAddress(found.host, found.port)
    return admin.Administrator(address, server.attributes["admin_password"])
