"""Real servers, one a version for all tests of a run, made from the addon's own pool."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
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

VERSIONS = ("18", OLD)

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
def servers() -> Iterator[dict[str, Administrator]]:
    """Servers by version."""
    with running(VERSIONS[0]) as new, running(VERSIONS[1]) as old:
        yield dict(zip(VERSIONS, (new, old), strict=True))


@pytest.fixture(params=VERSIONS)
def server(request: pytest.FixtureRequest, servers: dict[str, Administrator]) -> Administrator:
    """A running server, of each version in turn; tests share it and take names of their own."""
    return servers[request.param]


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"app{next(_numbers)}"
