"""Steps that every server addon has: a place on a server, the server itself, and leaving it."""

from __future__ import annotations

from addonkit.models.app import Variant
from addonkit.models.definition import CONFIG_IMAGE, CONFIG_VERSION, is_shared_variant
from addonkit.models.instance import Instance
from addonkit.models.secret import Secret
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.declaration import ADMIN_PASSWORD, Tenants
from addonkit.provider.server_sagas import ServerAddress, ServerSagas
from addonkit.provider.servers import Tenancy
from addonkit.saga.protocol import Sagas
from addonkit.saga.step import Step, step


def server_key(instance: Instance, variant: Variant) -> str:
    """What the instance's server is found by: itself, or everything that must be equal to share one."""
    if not is_shared_variant(variant.name):
        return instance.id
    return f"shared:{variant.config.get(CONFIG_IMAGE, '')}:{variant.config.get(CONFIG_VERSION, '')}"


def join_step(servers: ServerSagas, tenants: Tenants | None) -> Step:
    """The step that gives an instance its place, and takes it away again."""

    @step
    async def join_server(framework: ProviderFramework, instance: Instance, variant: Variant) -> Tenancy:
        """Find a place on a server."""
        return await framework.servers.join(
            instance,
            key=server_key(instance, variant),
            claim=tenants.wanted_claim(instance.app) if tenants else "",
            reserved=tenants.reserved if tenants else (),
            longest_claim=tenants.longest_claim if tenants else 0,
            attributes={ADMIN_PASSWORD: Secret.generate()},
        )

    @join_server.undo
    async def undo_join_server(
        framework: ProviderFramework, sagas: Sagas, instance: Instance, server_id: str = ""
    ) -> None:
        if server_id or instance.server:
            await servers.leave_server(framework, sagas, instance, server_id or instance.server)

    return join_server


def ensure_server_step(servers: ServerSagas, tenants: Tenants | None) -> Step:
    """The step that makes the server, unless it is there; with tenants, the step that lets one in starts it again."""

    @step(gives="address", undo=None, timeout=600, runs=(servers.ensure,))
    async def ensure_server(framework: ProviderFramework, sagas: Sagas, server_id: str) -> ServerAddress:
        """Make sure that the server runs."""
        address = await servers.ensure_server(sagas, server_id)
        if tenants is None:
            await framework.start_pool(server_id)
        return address

    return ensure_server


def leave_step(servers: ServerSagas) -> Step:
    """The step that ends a tenancy."""

    @step(undo=None, timeout=600, runs=(servers.remove,))
    async def leave_server(framework: ProviderFramework, sagas: Sagas, instance: Instance, server_id: str) -> None:
        """Leave the server; the last one out removes it."""
        if server_id:
            await servers.leave_server(framework, sagas, instance, server_id)

    return leave_server
