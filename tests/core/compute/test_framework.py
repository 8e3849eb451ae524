"""What the author of a server is told when it does not come up."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from addonkit.errors import InvalidInput, PoolTimeout
from addonkit.models.compute import Probe
from addonkit.provider.framework import ProviderFramework
from addonkit.store.codec import Codec
from addonkit.store.memory import MemoryStore
from addonkit.store.sealing import Sealer
from addonkit.util.clock import SystemClock


@pytest.fixture
def framework(bench: Any) -> ProviderFramework:
    clock = SystemClock()
    return ProviderFramework(MemoryStore(Codec(Sealer(bytes(32))), clock), bench.backend, clock)


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
