"""Valkey as its users have it: through a URL, with both client libraries, on real servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
import valkey.asyncio
import valkey.exceptions

import addonkit

CLIENTS = {"valkey-py": (valkey.asyncio.Valkey, "VALKEY_URL"), "redis-py": (redis.asyncio.Redis, "REDIS_URL")}


async def call(url: str, *words: str, client: Any = valkey.asyncio.Valkey) -> Any:
    async with client.from_url(url, decode_responses=True, socket_timeout=10) as connection:
        return await connection.execute_command(*words)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("variant", ["small", "shared"])
async def test_a_round_trip_through_the_url_alone(kit: addonkit.Kit, variant: str, client: str) -> None:
    environ = (await kit.create(f"valkey:{variant}", app="shop")).environ()
    make, name = CLIENTS[client]
    key = f"{environ.get('VALKEY_PREFIX', '')}greeting"

    await call(environ[name], "SET", key, "hello", client=make)

    assert await call(environ[name], "GET", key, client=make) == "hello"


async def test_the_variables_are_given_under_both_names(kit: addonkit.Kit) -> None:
    small = await kit.create("valkey", app="shop")
    shared = await kit.create("valkey:shared", app="blog")

    plain = ["URL", "HOST", "PORT", "PASSWORD"]
    named = [*plain, "USERNAME", "PREFIX"]
    assert [v.key for v in small.variables] == [f"{k}_{n}" for k in ("VALKEY", "REDIS") for n in plain]
    assert [v.key for v in shared.variables] == [f"{k}_{n}" for k in ("VALKEY", "REDIS") for n in named]
    for binding in (small, shared):
        assert {v.key for v in binding.variables if v.sensitive} == {
            "VALKEY_URL", "VALKEY_PASSWORD", "REDIS_URL", "REDIS_PASSWORD",
        }  # fmt: skip
        environ = binding.environ()
        assert all(environ[f"VALKEY_{name}"] == environ[f"REDIS_{name}"] for name in plain)
    assert shared.environ()["VALKEY_PREFIX"] == shared.environ()["REDIS_PREFIX"] == "blog:"


@pytest.mark.parametrize("variant", ["small", "shared"])
async def test_nobody_gets_in_without_the_password(kit: addonkit.Kit, variant: str) -> None:
    environ = (await kit.create(f"valkey:{variant}", app="shop")).environ()
    bare = f"redis://{environ['VALKEY_HOST']}:{environ['VALKEY_PORT']}"

    with pytest.raises(valkey.exceptions.AuthenticationError):
        await call(bare, "PING")
    with pytest.raises(valkey.exceptions.AuthenticationError):
        await call(bare.replace("//", f"//{environ.get('VALKEY_USERNAME', '')}:wrong@"), "PING")


@pytest.mark.parametrize(("variant", "memory"), [("small", 256), ("shared", 1024)])
async def test_what_a_variant_tells_of_durability_and_memory_is_so(
    kit: addonkit.Kit, home: Path, variant: str, memory: int
) -> None:
    await kit.create(f"valkey:{variant}", app="shop")

    (file,) = home.glob("pools/*/run/valkey.conf")
    running = dict(line.split(" ", 1) for line in file.read_text().splitlines())
    assert (running["appendonly"], running["appendfsync"], running["maxmemory-policy"]) == (
        "yes",
        "everysec",
        "noeviction",
    )
    assert await as_administrator(kit, "maxmemory") == str(memory * 1024 * 1024)
    told = kit.registry.get("valkey").definition.variant(variant).details
    assert told["Memory"].startswith({"small": "256 MB", "shared": "1 GB"}[variant])
    assert told["Eviction"] == "none"
    assert told["Durability"] == "every second"


async def as_administrator(kit: addonkit.Kit, setting: str) -> Any:
    """What the server itself says of a setting, bypassing the addon."""
    instance = (await kit.instances())[0]
    server = await kit._keeper._framework.servers.get(instance.instance.server)
    password = server.attributes["admin_password"].reveal()
    address = instance.address
    return (await call(f"redis://addonkit:{password}@{address.host}:{address.port}", "CONFIG", "GET", setting))[1]
