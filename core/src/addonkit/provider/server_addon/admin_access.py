"""How steps get into a server, and what they need not do on one that goes as a whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from addonkit.errors import AddonkitError, TransientError
from addonkit.models.instance import Instance, Phase, Server
from addonkit.provider.framework import ProviderFramework
from addonkit.provider.server_addon.declaration import ServerAccess


async def reach(framework: ProviderFramework, server_id: str) -> ServerAccess:
    """The way into a server.

    Raises:
        TransientError: when the server is gone, or has no address yet.
    """
    server = await framework.servers.get(server_id)
    if server is None:
        raise TransientError(f"working on server {server_id}", "its record is gone")
    return await _reach(framework, server)


async def wake(framework: ProviderFramework, server_id: str) -> None:
    """Start the server if it does not run, and wait until it serves.

    Raises:
        ComputeError: when it does not start, or its pool is gone.
    """
    await framework.scale_pool(server_id, 1)
    await framework.wait_for_pool(server_id)


async def tidy(
    framework: ProviderFramework,
    instance: Instance,
    server_id: str,
    work: Callable[[ServerAccess], Awaitable[None]],
) -> None:
    """Remove something of an instance from a shared server.

    Nothing is done where the server goes with all that is on it: when it is the instance's own, or gone. On a
    shared one that cannot be reached, neighbours who stay make the difference: for their sake it is started;
    when nobody stays it is left as it is, so that a broken server can be left by all and removed by the last.

    Raises:
        AddonkitError: when it cannot be done and neighbours stay.
    """
    server = await framework.servers.get(server_id)
    if server is None or not server.shared:
        return
    try:
        await work(await _reach(framework, server))
    except AddonkitError:
        if not await _neighbours_stay(framework, instance, server_id):
            return
        await wake(framework, server_id)
        await work(await _reach(framework, server))


async def _reach(framework: ProviderFramework, server: Server) -> ServerAccess:
    found = await framework.get_service_address(server.id)
    return ServerAccess(server, found.host, found.port)


async def _neighbours_stay(framework: ProviderFramework, instance: Instance, server_id: str) -> bool:
    tenants = await framework.servers.tenants(server_id)
    return any(t.id != instance.id and t.phase is not Phase.DEPROVISIONING for t in tenants)
