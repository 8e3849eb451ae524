"""Administrator connections for steps; skips cleanup on servers about to be deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

from addonkit.errors import AddonkitError, NothingDone, PoolTimeout, ServerFull, TransientError
from addonkit.models.compute import PoolState
from addonkit.models.instance import Instance, Phase
from addonkit.provider.framework import ProviderFramework, ServerPlace
from addonkit.provider.server_addon.declaration import ServerAccess

_ATTEMPTS: Final = 300
_PAUSE: Final = 0.03
"""So many attempts, so many seconds apart, are made to get into a server that was restarted."""


class NotReached(PoolTimeout, NothingDone):
    """A server does not answer, so the step did nothing there: an undo would wait for the same."""


async def admin_access(framework: ProviderFramework, server_id: str) -> ServerAccess:
    """Return how the administrator gets into a server that was just seen to be ours.

    Raises:
        TransientError: when the server does not exist, has no address yet, or does not serve.
    """
    return await _access_to(framework, server_id)


async def ensure_access(framework: ProviderFramework, server_id: str) -> ServerAccess:
    """Return how the administrator gets into a server, which is started if it does not run.

    Raises:
        NotReached: when it runs and does not answer.
        ComputeError: when it does not start, or its pool does not exist.
        TransientError: when its record does not exist, or it has no address yet.
    """
    place = await framework.locate_server(server_id)
    try:
        state = await framework.start_pool(server_id)
    except PoolTimeout as error:
        raise NotReached(error.attempted, error.found, error.advice) from error
    return _access_in(framework, place, state)


async def ensure_running(framework: ProviderFramework, server_id: str) -> None:
    """Start the server if it does not run, and wait until it serves.

    Raises:
        ComputeError: when it does not start, or its pool does not exist.
    """
    await framework.start_pool(server_id)


@asynccontextmanager
async def running(framework: ProviderFramework, server_id: str) -> AsyncIterator[ServerAccess]:
    """Let a server run for a block; one that was stopped on purpose is stopped again. Raises as `ensure_access`."""
    async with _stopped_again(framework, server_id):
        yield await ensure_access(framework, server_id)


@asynccontextmanager
async def _stopped_again(framework: ProviderFramework, server_id: str) -> AsyncIterator[None]:
    """Stop a server after the block, however that ends, if it was stopped on purpose before."""
    was_stopped = await framework.is_stopped(server_id)
    try:
        yield
    finally:
        if was_stopped:
            await framework.scale_pool(server_id, 0)


async def cleanup_tenant(
    framework: ProviderFramework,
    instance: Instance,
    server_id: str,
    work: Callable[[ServerAccess], Awaitable[None]],
) -> None:
    """Remove something of an instance from a shared server.

    Does nothing if the server does not exist, or is the instance's own: that is removed with all its data. A shared
    server that cannot be reached is started if other tenants stay. Otherwise it is left as it is: all tenants can leave
    a broken server, and the last one removes it. One that serves and lets the administrator
    in no more, because a tenant has taken all connections, is restarted.

    Raises:
        AddonkitError: when it fails and other tenants stay.
    """
    server = await framework.servers.get(server_id)
    if server is None or not server.shared:
        return
    try:
        await work(await _access_to(framework, server_id))
    except PoolTimeout:
        if await _has_neighbours(framework, instance, server_id):
            raise  # it hangs: what would start it waits in vain
    except AddonkitError:
        if not await _has_neighbours(framework, instance, server_id):
            return
        async with _stopped_again(framework, server_id):
            try:
                await ensure_running(framework, server_id)
            except PoolTimeout as error:
                raise error from None  # not worth another try, whatever came before: it hangs
            await _work_by_force(framework, server_id, work)


async def _work_by_force(
    framework: ProviderFramework, server_id: str, work: Callable[[ServerAccess], Awaitable[None]]
) -> None:
    """Do the work, at last in the moments after a restart, before others have taken all connections again."""
    try:
        await work(await _access_to(framework, server_id))
    except ServerFull:
        await framework.restart_pool(server_id)
        for _ in range(_ATTEMPTS):
            with suppress(TransientError):
                return await work(await _access_to(framework, server_id))
            await asyncio.sleep(_PAUSE)
        await work(await _access_to(framework, server_id))


async def _access_to(framework: ProviderFramework, server_id: str) -> ServerAccess:
    place = await framework.locate_server(server_id)
    return _access_in(framework, place, await framework.check_pool(server_id))


def _access_in(framework: ProviderFramework, place: ServerPlace, state: PoolState) -> ServerAccess:
    pipe = partial(framework.pipe_in_pool, place.server.id)
    return ServerAccess(place.server, place.address.host, place.address.port, state.socket, pipe)


async def _has_neighbours(framework: ProviderFramework, instance: Instance, server_id: str) -> bool:
    tenants = await framework.servers.tenants(server_id)
    return any(t.id != instance.id and t.phase is not Phase.DEPROVISIONING for t in tenants)
