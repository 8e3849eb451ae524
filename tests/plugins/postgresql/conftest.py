"""Real servers, one a version for all tests of a run, made from the addon's own pool."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import count

import pytest

from addonkit import CONFIG_VERSION, ProviderFramework, Secret, Server, ServerAccess
from addonkit.compute.process.backend import ProcessBackend
from addonkit.store.codec import Codec
from addonkit.store.memory import MemoryStore
from addonkit.store.sealing import Sealer
from addonkit.testing.home import temporary_home
from addonkit.util.clock import SystemClock
from addonkit_postgresql.addon import ADDON
from addonkit_postgresql.session import Administrator
from addonkit_postgresql.tenants import administrator
from system_postgresql import VERSION as OLD

NEW = "18"

_numbers = count(1)


@contextmanager
def running(version: str) -> Iterator[Administrator]:
    """A server of that version; gone with everything of it afterwards."""
    server = Server(
        "postgresql-test",
        "postgresql",
        "shared:test",
        config={CONFIG_VERSION: version, "storage": "1Gi"},
        attributes={"admin_password": Secret.generate()},
    )
    with temporary_home() as home:

        async def start() -> Administrator:
            backend = ProcessBackend(home)
            clock = SystemClock()
            framework = ProviderFramework(MemoryStore(Codec(Sealer(bytes(32))), clock), backend, clock, home)
            spec = ADDON.pool(server)
            for volume in spec.volumes:
                await framework.create_disk(volume.disk, volume.size_gb)
            await framework.create_sandbox_pool(spec)
            pool = await framework.wait_for_pool(spec.name)
            state = await framework.check_pool(spec.name)
            await backend.close()
            return administrator(ServerAccess(server, pool.host, pool.ports["postgresql"], state.socket))

        async def stop() -> None:
            backend = ProcessBackend(home)
            await backend.remove(server.id, ADDON.pool(server).program)
            await backend.close()

        superuser = asyncio.run(start())
        try:
            yield superuser
        finally:
            # Gracefully: a server that is killed leaves its shared memory to the system.
            asyncio.run(stop())


@pytest.fixture(scope="session")
def running_server() -> Callable[[str], AbstractContextManager[Administrator]]:
    """Starts a server of a version for a test alone."""
    return running


@pytest.fixture(scope="session")
def server_of() -> Iterator[Callable[[str], Administrator]]:
    """The server of a version; it runs from the first test that asks for it to the end."""
    started: dict[str, Administrator] = {}
    with ExitStack() as servers:

        def server_of(version: str) -> Administrator:
            if version not in started:
                started[version] = servers.enter_context(running(version))
            return started[version]

        yield server_of


@pytest.fixture(params=[NEW, pytest.param(OLD, marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest, server_of: Callable[[str], Administrator]) -> Administrator:
    """A running server, of each version in turn; tests share it and take names of their own."""
    return server_of(request.param)


@pytest.fixture
def servers(server_of: Callable[[str], Administrator]) -> dict[str, Administrator]:
    """Servers of all versions, for what must be the same on each."""
    return {version: server_of(version) for version in (NEW, OLD)}


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"app{next(_numbers)}"
