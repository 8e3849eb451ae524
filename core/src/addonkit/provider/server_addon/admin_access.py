"""Administrator connections for steps; skips cleanup on servers about to be deleted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from addonkit.errors import AddonkitError, TransientError
from addonkit.models.instance import Instance, Phase, Server
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.declaration import ServerAccess


async def admin_access(framework: ProviderFramework, server_id: str) -> ServerAccess:
    """Return how the administrator gets into a server that was just seen to be ours.

    Raises:
        TransientError: when the server does not exist, has no address yet, or does not serve.
    """
    server = await framework.servers.get(server_id)
    if server is None:
        raise TransientError(f"working on server {server_id}", "its record is gone")
    return await _access_to(framework, server)


async def ensure_running(framework: ProviderFramework, server_id: str) -> None:
    """Start the server if it does not run, and wait until it serves.

    Raises:
        ComputeError: when it does not start, or its pool does not exist.
    """
    await framework.scale_pool(server_id, 1)
    await framework.wait_for_pool(server_id)


async def cleanup_tenant(
    framework: ProviderFramework,
    instance: Instance,
    server_id: str,
    work: Callable[[ServerAccess], Awaitable[None]],
) -> None:
    """Remove something of an instance from a shared server.

    Does nothing if the server is the instance's own, since it is removed with all its data, or does not exist. A
    shared server that cannot be reached is started if other tenants stay; otherwise it is left as it is, so
    that all tenants can leave a broken server and the last one removes it.

    Raises:
        AddonkitError: when it fails and other tenants stay.
    """
    server = await framework.servers.get(server_id)
    if server is None or not server.shared:
        return
    try:
        await work(await _access_to(framework, server))
    except AddonkitError:
        if not await _has_neighbours(framework, instance, server_id):
            return
        was_stopped = await framework.is_stopped(server_id)
        await ensure_running(framework, server_id)
        await work(await _access_to(framework, server))
        if was_stopped:  # on purpose: it runs for this work only
            await framework.scale_pool(server_id, 0)


async def _access_to(framework: ProviderFramework, server: Server) -> ServerAccess:
    found = await framework.get_service_address(server.id)
    state = await framework.check_pool(server.id)
    return ServerAccess(server, found.host, found.port, state.socket)


async def _has_neighbours(framework: ProviderFramework, instance: Instance, server_id: str) -> bool:
    tenants = await framework.servers.tenants(server_id)
    return any(t.id != instance.id and t.phase is not Phase.DEPROVISIONING for t in tenants)
