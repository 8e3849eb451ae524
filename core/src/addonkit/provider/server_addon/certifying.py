"""Another certificate for a server that listens for other machines: a saga for addons that let their servers do so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import attrs

from addonkit.models.certificate import Certificate
from addonkit.models.instance import Server
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.admin_access import running
from addonkit.provider.server_addon.answers import of_server
from addonkit.provider.server_addon.declaration import ServerAccess, Tenants
from addonkit.saga.saga import Saga
from addonkit.saga.step import Step, step

if TYPE_CHECKING:
    from addonkit.models.compute import CreateSandboxPoolSpec

PoolOf = Callable[[Server], "CreateSandboxPoolSpec"]


@runtime_checkable
class CertificateTenants(Protocol):
    """Tenants of servers that read another certificate while they run; see Tenants."""

    async def reload_certificate(self, access: ServerAccess) -> None:
        """Let sessions that begin from now on see the certificate that was written last."""
        ...


def renew_certificate_hook(name: str, pool_of: PoolOf, tenants: Tenants | None) -> Callable[[Server], Saga[None]]:
    """The hook `addon_renew_certificate` of the addon of that name."""
    steps = (
        sign_certificate,
        _use_step(pool_of, tenants),
        _record_step(pool_of, restarts=not isinstance(tenants, CertificateTenants)),
    )
    return of_server(Saga(f"{name}.renew-certificate", inputs=("server_id",), steps=steps))


@step(gives="certificate", undo=None)
async def sign_certificate(framework: ProviderFramework, server_id: str) -> Certificate:
    """Sign another certificate."""
    return await framework.certificates.issue((await framework.locate_server(server_id)).server.listen)


def _use_step(pool_of: PoolOf, tenants: Tenants | None) -> Step:
    # The record changes last: a server that starts in between has the former certificate, which is valid still.
    @step(undo=None, timeout=700)
    async def use_certificate(framework: ProviderFramework, server_id: str, certificate: Certificate) -> None:
        """Let the server use it."""
        if await framework.is_stopped(server_id):
            return
        place = await framework.locate_server(server_id)
        server = attrs.evolve(place.server, certificate=certificate)
        await framework.write_files(server_id, pool_of(server))
        if isinstance(tenants, CertificateTenants):
            async with running(framework, server_id) as access:
                await tenants.reload_certificate(access)

    return use_certificate


def _record_step(pool_of: PoolOf, *, restarts: bool) -> Step:
    @step(undo=None, timeout=700)
    async def record_certificate(framework: ProviderFramework, server_id: str, certificate: Certificate) -> None:
        """Record it."""
        await framework.change_server(server_id, lambda server: attrs.evolve(server, certificate=certificate), pool_of)
        if restarts and not await framework.is_stopped(server_id):
            await framework.restart_pool(server_id)
            await framework.wait_for_pool(server_id)

    return record_certificate
