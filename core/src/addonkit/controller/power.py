"""Stops, starts and restarts servers on a user's behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from addonkit.controller.lookup import find_instance, get_app
from addonkit.errors import NotFound
from addonkit.models.compute import Pool
from addonkit.models.instance import Association, Instance
from addonkit.models.views import ServerTarget

if TYPE_CHECKING:
    from collections.abc import Iterable

    from addonkit.compute.interface import Backend
    from addonkit.provider.framework import ProviderFramework
    from addonkit.store.interface import Reader, Store

HUNG_PATIENCE: Final = 5.0
"""Seconds that a server which does not answer has to end by itself."""


class ServerPower:
    """Changes whether a server should run. What it should do is part of its pool, so it stays so.

    All methods raise PoolGone for a server without a pool, and PoolCrashed or PoolTimeout for one that does not start.
    """

    def __init__(self, store: Store, backend: Backend, framework: ProviderFramework) -> None:
        self._store = store
        self._backend = backend
        self._framework = framework

    async def targets(self, name: str | None = None, app: str | None = None) -> tuple[ServerTarget, ...]:
        """Return the servers of one instance, of all instances that an app uses, or of all instances.

        Raises:
            UnknownApp, UnknownInstance: there is none of that name.
            NotFound: the instance has no server here.
        """
        return await self._store.read(lambda tx: _targets(tx, name, app))

    async def stopped(self, servers: Iterable[str]) -> tuple[str, ...]:
        """Return those of the servers that were stopped on purpose."""
        pools = [await self._store.get(Pool, server_id) for server_id in servers]
        return tuple(pool.name for pool in pools if pool and not pool.value.spec.desired_instances)

    async def stop(self, server_id: str) -> None:
        """Stop a server: gracefully first, by force in the end. It stays stopped until it is started."""
        await self._end(server_id)
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
        await self._end(server_id)
        await self.start(server_id)

    async def end_process(self, server_id: str, pid: int, patience: float) -> None:
        """End one process of a server that should run, within about `patience` seconds.

        When another process does the server's work meanwhile, that is left alone.
        """
        entity = await self._store.get(Pool, server_id)
        if entity is not None and entity.value.spec.desired_instances:
            await self._backend.ensure_running(_stopped(entity.value, patience), only=pid)

    async def _end(self, server_id: str) -> None:
        """End the processes of a server; one that does not answer is given less time for that."""
        entity = await self._store.get(Pool, server_id)
        if entity is None:
            return
        state = await self._backend.observe(entity.value)
        patience = HUNG_PATIENCE if state.running and not state.ready else None
        await self._backend.ensure_running(_stopped(entity.value, patience))


def _stopped(pool: Pool, patience: float | None) -> Pool:
    """Return the pool without instances, and with at most so many seconds for its program to end."""
    spec = attrs.evolve(pool.spec, desired_instances=0)
    if spec.program is not None and patience is not None:
        program = attrs.evolve(spec.program, stop_timeout=min(spec.program.stop_timeout, patience))
        spec = attrs.evolve(spec, program=program)
    return attrs.evolve(pool, spec=spec)


def _targets(tx: Reader, name: str | None, app: str | None) -> tuple[ServerTarget, ...]:
    chosen = _chosen(tx, name, app)
    servers = dict.fromkeys(instance.server for instance in chosen if instance.server)
    if name is not None and not servers:
        raise NotFound(f"cannot stop or start {chosen[0].name}", "it has no server here")
    return tuple(_target(tx, server_id, {instance.name for instance in chosen}) for server_id in servers)


def _chosen(tx: Reader, name: str | None, app: str | None) -> tuple[Instance, ...]:
    if name is not None:
        return (find_instance(tx, name, app).value,)
    instances = sorted((each.value for each in tx.list(Instance).items), key=lambda each: each.name)
    if app is None:
        return tuple(instances)
    get_app(tx, app, f"cannot find app {str(app)!r}")
    used = {each.value.instance for each in tx.list(Association, {"app": app}).items}
    return tuple(each for each in instances if each.id in used)


def _target(tx: Reader, server_id: str, chosen: set[str]) -> ServerTarget:
    here = [each.value for each in tx.list(Instance, {"server": server_id}).items]
    apps = {tie.value.app for each in here for tie in tx.list(Association, {"instance": each.id}).items}
    names = sorted(each.name for each in here)
    return ServerTarget(server_id, tuple(names), tuple(name for name in names if name in chosen), tuple(sorted(apps)))
