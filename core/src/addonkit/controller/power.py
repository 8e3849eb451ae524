"""Stops, starts and restarts servers on a user's behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from addonkit.models.compute import Pool

if TYPE_CHECKING:
    from addonkit.compute.interface import Backend
    from addonkit.provider.framework import ProviderFramework
    from addonkit.store.interface import Store


class ServerPower:
    """Changes whether a server should run. What it should do is part of its pool, so it stays so.

    All methods raise PoolGone for a server without a pool, and PoolCrashed or PoolTimeout for one that does not start.
    """

    def __init__(self, store: Store, backend: Backend, framework: ProviderFramework) -> None:
        self._store = store
        self._backend = backend
        self._framework = framework

    async def stop(self, server_id: str) -> None:
        """Stop a server: gracefully first, by force in the end. It stays stopped until it is started."""
        await self._framework.scale_pool(server_id, 0)

    async def start(self, server_id: str) -> None:
        """Start a server and wait until it serves. One that serves already is left alone."""
        await self._framework.scale_pool(server_id, 1)
        await self._framework.wait_for_pool(server_id)

    async def restart(self, server_id: str) -> None:
        """Stop and start a server, with the program that is installed now.

        The store says all the while that it should run: a restart that is interrupted is completed by any command
        that needs the server.
        """
        entity = await self._store.get(Pool, server_id)
        if entity is not None:
            spec = attrs.evolve(entity.value.spec, desired_instances=0)
            await self._backend.ensure_running(attrs.evolve(entity.value, spec=spec))
        await self.start(server_id)
