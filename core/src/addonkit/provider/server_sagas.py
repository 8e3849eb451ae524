"""The common life of a server, as sagas: disk, pool, service, ready; and its removal.

An addon says how its pool looks, a pure function of the Server, and gets both sagas. However many
instances ask for a server, one execution makes it and one removes it. Pool, service and disk carry the
server's id as their name. After a crash at any point all that was made can be found again.
"""

from __future__ import annotations

from collections.abc import Callable

from addonkit.errors import SagaBlocked, SagaRefused, TransientError
from addonkit.models.compute import CreateSandboxPoolSpec, Volume
from addonkit.models.instance import Instance, Server
from addonkit.provider.framework import ProviderFramework
from addonkit.saga.protocol import Sagas
from addonkit.saga.saga import Saga
from addonkit.saga.step import step
from addonkit.util.values import frozen

PoolOf = Callable[[Server], CreateSandboxPoolSpec]


@frozen
class ServerAddress:
    """The address of a server."""

    host: str
    port: int


@frozen
class ServerSagas:
    """The sagas of one kind of server. Both take one input, `server_id`.

    Attributes:
        ensure: makes the server; its result is a ServerAddress.
        remove: removes it with its data, whatever state it is in.
    """

    ensure: Saga[ServerAddress]
    remove: Saga[None]

    async def ensure_server(self, sagas: Sagas, server_id: str) -> ServerAddress:
        """Make the server unless it is there; many callers, one execution."""
        address: ServerAddress = await sagas.ensure(ensure_id(server_id), self.ensure.bind(server_id=server_id))
        return address

    async def leave_server(
        self, framework: ProviderFramework, sagas: Sagas, instance: Instance, server_id: str
    ) -> None:
        """End an instance's tenancy; the last one to leave removes the server. Safe to repeat."""
        departure = await framework.servers.leave(instance, server_id)
        if departure.last:
            await sagas.ensure(removal_id(server_id), self.remove.bind(server_id=server_id), again=True)


def ensure_id(server_id: str) -> str:
    """Return id of the execution that makes a server."""
    return f"server/{server_id}"


def removal_id(server_id: str) -> str:
    """Return id of the execution that removes a server."""
    return f"remove/{server_id}"


def volume_of(server: Server, name: str, size_gb: int) -> Volume:
    """Return the volume on a server's own disk."""
    return Volume(name, server.id, size_gb)


def server_sagas(kind: str, pool_of: PoolOf, *, port: int) -> ServerSagas:
    """Return the sagas of a kind of server.

    Args:
        kind: prefix of the sagas' names, as `postgresql`.
        pool_of: how the pool of a server looks; pure. Its name must be the server's id, and so must the
            disk of its volume, see `volume_of`.
        port: the port that clients use, as numbered in the pool's spec.
    """
    make = ServerSteps(pool_of, port)
    ensure: Saga[ServerAddress] = Saga(
        f"{kind}.ensure-server",
        inputs=("server_id",),
        steps=(
            make.create_disk,
            make.create_pool,
            make.create_service,
            make.wait_for_pool,
            make.wait_for_service,
        ),
    )
    removal = RemovalSteps(ensure)
    remove: Saga[None] = Saga(
        f"{kind}.remove-server",
        inputs=("server_id",),
        steps=(
            removal.stop_making,
            removal.delete_service,
            removal.delete_pool,
            removal.delete_disk,
            removal.forget_server,
        ),
    )
    return ServerSagas(ensure, remove)


@frozen
class ServerSteps:
    """Makes a server.

    Attributes:
        pool_of: how its pool looks; pure.
        port: the port that clients use, as numbered in the pool's spec.
    """

    pool_of: PoolOf
    port: int

    @step
    async def create_disk(self, framework: ProviderFramework, server_id: str) -> None:
        """Create the disk."""
        for volume in self.pool_of(await _server(framework, server_id)).volumes:
            await framework.create_disk(volume.disk, volume.size_gb)

    @create_disk.undo
    async def undo_create_disk(self, framework: ProviderFramework, server_id: str) -> None:
        """Delete it."""
        await framework.delete_disk_by_name(server_id)

    @step(timeout=300)
    async def create_pool(self, framework: ProviderFramework, server_id: str) -> None:
        """Start the server."""
        server = await framework.certify(await _server(framework, server_id))
        await framework.create_sandbox_pool(self.pool_of(server))

    @create_pool.undo
    async def undo_create_pool(self, framework: ProviderFramework, server_id: str) -> None:
        """Stop it."""
        await framework.delete_sandbox_pool(server_id)

    @step
    async def create_service(self, framework: ProviderFramework, server_id: str) -> None:
        """Create the service."""
        labels = self.pool_of(await _server(framework, server_id)).labels
        await framework.create_service(server_id, labels, self.port)

    @create_service.undo
    async def undo_create_service(self, framework: ProviderFramework, server_id: str) -> None:
        """Delete it."""
        await framework.delete_service(server_id)

    @step(undo=None, timeout=310)
    async def wait_for_pool(self, framework: ProviderFramework, server_id: str) -> None:
        """Wait until the server answers."""
        # It may have died since it was started, with the command that started it: a journaled step is not run again.
        await framework.start_pool(server_id)

    @step(gives="result", undo=None)
    async def wait_for_service(self, framework: ProviderFramework, server_id: str) -> ServerAddress:
        """Wait for the address of the service."""
        address = await framework.wait_for_service_address(server_id, 50)
        await framework.check_listens(await framework.servers.activate(server_id))
        return ServerAddress(address.host, address.port)


@frozen
class RemovalSteps:
    """Removes a server with its data, whatever state it is in.

    Attributes:
        ensure: the saga that makes it.
    """

    ensure: Saga[ServerAddress]

    @step(undo=None, timeout=400)
    async def stop_making(self, sagas: Sagas, server_id: str) -> None:
        """Stop what still makes the server."""
        try:
            await sagas.undo(ensure_id(server_id), self.ensure, completed=False)
        except (SagaRefused, SagaBlocked):
            # Made by another version of the addon, or not to be undone: the following steps remove it by name.
            return

    @step(undo=None)
    async def delete_service(self, framework: ProviderFramework, server_id: str) -> None:
        """Delete the service."""
        await framework.delete_service(server_id)

    @step(undo=None, timeout=120)
    async def delete_pool(self, framework: ProviderFramework, server_id: str) -> None:
        """Stop the server."""
        await framework.delete_sandbox_pool(server_id)

    @step(undo=None, timeout=300)
    async def delete_disk(self, framework: ProviderFramework, server_id: str) -> None:
        """Delete the disk."""
        await framework.delete_disk_by_name(server_id)

    @step(undo=None)
    async def forget_server(self, framework: ProviderFramework, server_id: str) -> None:
        """Forget the server."""
        await framework.servers.forget(server_id)


async def _server(framework: ProviderFramework, server_id: str) -> Server:
    server = await framework.servers.get(server_id)
    if server is None:
        raise TransientError(f"working on server {server_id}", "its record is gone")
    return server
