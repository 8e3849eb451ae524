"""How an instance is made: one saga for both variants, a dedicated server being one with one tenant."""

from __future__ import annotations

from addonkit import (
    CONFIG_IMAGE,
    CONFIG_VERSION,
    Instance,
    ProviderFramework,
    ProvisionResult,
    Saga,
    Sagas,
    Secret,
    ServerAddress,
    Tenancy,
    Variant,
    is_shared_variant,
    step,
)
from addonkit_postgresql import admin
from addonkit_postgresql.naming import LONGEST, Reserved, wanted_name
from addonkit_postgresql.reach import administrator, tidy, wake
from addonkit_postgresql.server import SERVER
from addonkit_postgresql.variables import variables


def server_key(instance: Instance, variant: Variant) -> str:
    """What the instance's server is found by: itself, or everything that must be equal to share one."""
    if not is_shared_variant(variant.name):
        return instance.id
    return f"shared:{variant.config.get(CONFIG_IMAGE, '')}:{variant.config.get(CONFIG_VERSION, '')}"


@step
async def join_server(framework: ProviderFramework, instance: Instance, variant: Variant) -> Tenancy:
    """Find a place on a server."""
    return await framework.servers.join(
        instance,
        key=server_key(instance, variant),
        claim=wanted_name(instance.app),
        reserved=Reserved(),
        longest_claim=LONGEST,
        attributes={"admin_password": Secret.generate()},
    )


@join_server.undo
async def _(framework: ProviderFramework, sagas: Sagas, instance: Instance, server_id: str = "") -> None:
    if server_id or instance.server:
        await SERVER.leave_server(framework, sagas, instance, server_id or instance.server)


@step(gives="address", undo=None, timeout=600, runs=(SERVER.ensure,))
async def ensure_server(framework: ProviderFramework, sagas: Sagas, server_id: str) -> ServerAddress:
    """Make sure that the server runs."""
    address = await SERVER.ensure_server(sagas, server_id)
    await wake(framework, server_id)
    return address


@step(gives="password", undo=None)
async def generate_password() -> Secret:
    """Generate a password."""
    return Secret.generate()


@step
async def create_role(
    framework: ProviderFramework, instance: Instance, variant: Variant, server_id: str, claim: str, password: Secret
) -> None:
    """Create the role."""
    limit = int(variant.config.get("connections_per_app", "-1"))
    await admin.create_role(await administrator(framework, server_id), claim, password, instance.id, limit)


@create_role.undo
async def _(framework: ProviderFramework, instance: Instance, server_id: str, claim: str) -> None:
    await tidy(framework, instance, server_id, lambda server: admin.drop_role(server, claim, instance.id))


@step(timeout=120)
async def create_database(framework: ProviderFramework, instance: Instance, server_id: str, claim: str) -> None:
    """Create the database."""
    await admin.create_database(await administrator(framework, server_id), claim, claim, instance.id)


@create_database.undo
async def _(framework: ProviderFramework, instance: Instance, server_id: str, claim: str) -> None:
    await tidy(framework, instance, server_id, lambda server: admin.drop_database(server, claim, instance.id))


@step(gives="result", undo=None)
async def build_result(server_id: str, address: ServerAddress, claim: str, password: Secret) -> ProvisionResult:
    """Put the variables together."""
    given = variables(address.host, address.port, claim, password, claim)
    return ProvisionResult(given, {"server_id": server_id, "database": claim, "role": claim})


PROVISION: Saga[ProvisionResult] = Saga(
    "postgresql.provision",
    steps=(join_server, ensure_server, generate_password, create_role, create_database, build_result),
)
