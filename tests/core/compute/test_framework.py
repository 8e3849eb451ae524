"""What the author of a server is told when it does not come up."""

from __future__ import annotations

import socket
from typing import Any

import attrs
import pytest

from addonkit.errors import InvalidInput, PoolTimeout, TransientError
from addonkit.models.compute import Probe
from addonkit.provider.framework import ProviderFramework
from addonkit.store.codec import Codec
from addonkit.store.memory import MemoryStore
from addonkit.store.sealing import Sealer
from addonkit.util.clock import SystemClock


@pytest.fixture
def framework(bench: Any) -> ProviderFramework:
    clock = SystemClock()
    return ProviderFramework(MemoryStore(Codec(Sealer(bytes(32))), clock), bench.backend, clock, bench.home)


async def test_a_probe_of_a_port_that_is_not_there_is_refused_at_once(bench: Any, framework: ProviderFramework) -> None:
    pool = bench.pool(probe=Probe("mane", "hi", ("HELLO",)))

    with pytest.raises(InvalidInput, match=r"its probe asks port 'mane', and its ports are main; let the Probe name"):
        await framework.create_sandbox_pool(pool.spec)

    assert not (bench.home / "pools" / "greeter").exists()


async def test_a_server_that_answers_something_else_is_told_what_was_expected(
    bench: Any, framework: ProviderFramework
) -> None:
    spec = attrs.evolve(bench.pool(mood="slow").spec, port_wait_timeout=0.5, volumes=bench.pool().spec.volumes)
    await framework.create_disk("greeter", 1)
    await framework.create_sandbox_pool(spec)

    with pytest.raises(PoolTimeout, match=r"not ready to begin its answer to the probe with 'HELLO' after 0\.5 s; its"):
        await framework.wait_for_pool("greeter")


async def test_a_server_is_worked_on_when_its_own_process_answers(bench: Any, framework: ProviderFramework) -> None:
    await framework.create_disk("greeter", 1)
    pool = await framework.create_sandbox_pool(attrs.evolve(bench.pool().spec, volumes=bench.pool().spec.volumes))
    await framework.wait_for_pool("greeter")
    assert (await framework.check_pool("greeter")).ready

    await framework.scale_pool("greeter", 0)
    stranger = socket.create_server((pool.host, pool.ports["main"]))
    with stranger, pytest.raises(TransientError, match="working on server greeter: it does not run"):
        await framework.check_pool("greeter")


async def test_a_server_that_does_not_answer_is_not_worked_on(bench: Any, framework: ProviderFramework) -> None:
    await framework.create_disk("greeter", 1)
    await framework.create_sandbox_pool(attrs.evolve(bench.pool(mood="slow").spec, volumes=bench.pool().spec.volumes))

    with pytest.raises(TransientError, match="it runs but does not answer as this server would"):
        await framework.check_pool("greeter", 0.2)
