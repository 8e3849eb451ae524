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
from addonkit.saga.step import step
from addonkit.util.values import frozen


def server_key(instance: Instance, variant: Variant) -> str:
    """Return what the instance's server is found by: itself, or everything that must be equal to share one."""
    if not is_shared_variant(variant.name):
        return instance.id
    return f"shared:{variant.config.get(CONFIG_IMAGE, '')}:{variant.config.get(CONFIG_VERSION, '')}"


@frozen
class PlaceSteps:
    """Gives an instance its place on a server, and takes it away.

    Attributes:
        servers: make and remove the server.
        tenants: of the server; None where it knows none.
    """

    servers: ServerSagas
    tenants: Tenants | None

    @step
    async def join_server(self, framework: ProviderFramework, instance: Instance, variant: Variant) -> Tenancy:
        """Find a place on a server."""
        tenants = self.tenants
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
        self, framework: ProviderFramework, sagas: Sagas, instance: Instance, server_id: str = ""
    ) -> None:
        """Leave it; the last one out removes the server."""
        if server_id or instance.server:
            await self.servers.leave_server(framework, sagas, instance, server_id or instance.server)

    @step(gives="address", undo=None, timeout=600)
    async def ensure_server(self, framework: ProviderFramework, sagas: Sagas, server_id: str) -> ServerAddress:
        """Make sure that the server runs."""
        address = await self.servers.ensure_server(sagas, server_id)
        if self.tenants is None:  # with tenants, the step that lets one in starts it again
            await framework.start_pool(server_id)
        return address

    @step(undo=None, timeout=600)
    async def leave_server(
        self, framework: ProviderFramework, sagas: Sagas, instance: Instance, server_id: str
    ) -> None:
        """Leave the server; the last one out removes it."""
        if server_id:
            await self.servers.leave_server(framework, sagas, instance, server_id)
