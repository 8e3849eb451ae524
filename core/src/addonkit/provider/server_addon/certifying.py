"""Steps that give a server that listens for other machines another certificate."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from addonkit.models.certificate import Certificate
from addonkit.models.instance import Server
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import running
from addonkit.provider.server_addon.declaration import Tenants
from addonkit.provider.server_addon.verbs import CertificateTenants
from addonkit.saga.step import step
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.models.compute import CreateSandboxPoolSpec

PoolOf = Callable[[Server], "CreateSandboxPoolSpec"]


@frozen
class CertificateSteps:
    """Renews the certificate of a server.

    Attributes:
        tenants: let it read the new one while it runs; with others it restarts.
        pool_of: how the pool of a server looks; pure.
    """

    tenants: Tenants | None
    pool_of: PoolOf

    @step(gives="certificate", undo=None)
    async def sign_certificate(self, framework: ProviderFramework, server_id: str) -> Certificate:
        """Sign another certificate."""
        return await framework.certificates.issue((await framework.locate_server(server_id)).server.listen)

    # The record changes last: a server that starts in between has the former certificate, which is valid still.
    @step(undo=None, timeout=700)
    async def use_certificate(self, framework: ProviderFramework, server_id: str, certificate: Certificate) -> None:
        """Let the server use it."""
        if await framework.is_stopped(server_id):
            return
        place = await framework.locate_server(server_id)
        server = attrs.evolve(place.server, certificate=certificate)
        await framework.write_files(server_id, self.pool_of(server))
        if isinstance(self.tenants, CertificateTenants):
            async with running(framework, server_id) as access:
                await self.tenants.reload_certificate(access)

    @step(undo=None, timeout=700)
    async def record_certificate(self, framework: ProviderFramework, server_id: str, certificate: Certificate) -> None:
        """Record it."""
        await framework.change_server(
            server_id, lambda server: attrs.evolve(server, certificate=certificate), self.pool_of
        )
        if isinstance(self.tenants, CertificateTenants):
            return
        if not await framework.is_stopped(server_id):
            await framework.restart_pool(server_id)
            await framework.wait_for_pool(server_id)
