"""Valkey as its users have it: through a URL, with both client libraries, on real servers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
import redis.exceptions
import valkey.asyncio
import valkey.exceptions

import addonkit
from addonkit.testing.home import left_behind

CLIENTS = {"valkey-py": (valkey.asyncio.Valkey, "VALKEY_URL"), "redis-py": (redis.asyncio.Redis, "REDIS_URL")}
DENIED = (valkey.exceptions.NoPermissionError, redis.exceptions.NoPermissionError)


async def call(url: str, *words: str, client: Any = valkey.asyncio.Valkey) -> Any:
    connection = client.from_url(url, decode_responses=True, socket_timeout=10)
    try:
        return await connection.execute_command(*words)
    finally:
        await connection.aclose()


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
    assert {v.key for v in shared.variables if v.sensitive} == {
        "VALKEY_URL", "VALKEY_PASSWORD", "REDIS_URL", "REDIS_PASSWORD",
    }  # fmt: skip
    assert shared.environ()["VALKEY_PREFIX"] == shared.environ()["REDIS_PREFIX"] == "blog:"


@pytest.mark.parametrize("variant", ["small", "shared"])
async def test_nobody_gets_in_without_the_password(kit: addonkit.Kit, variant: str) -> None:
    environ = (await kit.create(f"valkey:{variant}", app="shop")).environ()
    bare = f"redis://{environ['VALKEY_HOST']}:{environ['VALKEY_PORT']}"

    with pytest.raises(valkey.exceptions.AuthenticationError):
        await call(bare, "PING")
    with pytest.raises(valkey.exceptions.AuthenticationError):
        await call(bare.replace("//", f"//{environ.get('VALKEY_USERNAME', '')}:wrong@"), "PING")


OUT_OF_REACH = [
    ("GET", "wiki:key"), ("SET", "wiki:key", "x"), ("GET", "key"), ("DEL", "wiki:key"), ("SUBSCRIBE", "wiki:news"),
    ("PUBLISH", "wiki:news", "x"), ("PSUBSCRIBE", "*"), ("FLUSHALL",), ("FLUSHDB",), ("KEYS", "*"), ("SCAN", "0"),
    ("RANDOMKEY",), ("DBSIZE",), ("CONFIG", "GET", "*"), ("ACL", "LIST"), ("ACL", "GETUSER", "wiki"), ("MONITOR",),
    ("CLIENT", "LIST"), ("DEBUG", "SLEEP", "0"), ("SHUTDOWN",), ("REPLICAOF", "NO", "ONE"), ("PUBSUB", "CHANNELS"),
    ("SWAPDB", "0", "1"), ("FUNCTION", "FLUSH"), ("SCRIPT", "FLUSH"), ("MIGRATE", "h", "1", "k", "0", "1"), ("INFO",),
    ("EVAL", "return redis.call('GET', 'wiki:key')", "0"), ("SORT", "wiki:key"), ("MEMORY", "STATS"), ("SAVE",),
]  # fmt: skip


async def test_a_tenant_reaches_its_own_prefix_and_nothing_else(kit: addonkit.Kit) -> None:
    blog = (await kit.create("valkey:shared", app="blog")).environ()
    wiki = (await kit.create("valkey:shared", app="wiki")).environ()
    assert blog["VALKEY_PORT"] == wiki["VALKEY_PORT"]
    await call(wiki["VALKEY_URL"], "SET", "wiki:key", "secret")

    for words in OUT_OF_REACH:
        with pytest.raises(
            (*DENIED, valkey.exceptions.ResponseError), match=r"(?i)permission|not allowed|can't access"
        ) as refused:
            await call(blog["VALKEY_URL"], *words)
        assert "secret" not in str(refused.value)
    await call(blog["VALKEY_URL"], "SET", "blog:key", "own")
    assert await call(blog["VALKEY_URL"], "EVAL", "return redis.call('GET', KEYS[1])", "1", "blog:key") == "own"
    assert await call(blog["VALKEY_URL"], "PUBLISH", "blog:news", "x") == 0
    assert await call(wiki["VALKEY_URL"], "GET", "wiki:key") == "secret"


async def test_the_only_app_of_a_server_does_all_but_administer_it(kit: addonkit.Kit) -> None:
    url = (await kit.create("valkey", app="shop")).url

    await call(url, "SET", "any", "thing")
    assert await call(url, "KEYS", "*") == ["any"]
    await call(url, "FLUSHALL")
    with pytest.raises(DENIED):
        await call(url, "CONFIG", "GET", "*")
    with pytest.raises(DENIED):
        await call(url, "ACL", "LIST")


@pytest.mark.parametrize("variant", ["small", "shared"])
async def test_data_and_users_survive_a_kill(home: Path, variant: str) -> None:
    async with addonkit.open(home) as kit:
        environ = (await kit.create(f"valkey:{variant}", app="shop")).environ()
        await call(environ["VALKEY_URL"], "SET", "shop:kept", "data")
        await asyncio.sleep(1.1)  # appendfsync everysec: what is older than a second is kept
    os.kill(server_pid(home), signal.SIGKILL)

    async with addonkit.open(home) as kit:
        assert (await kit.environment("shop")).as_dict() == environ
    assert await call(environ["VALKEY_URL"], "GET", "shop:kept") == "data"


async def test_what_was_promised_of_durability_and_memory_holds(kit: addonkit.Kit, home: Path) -> None:
    await kit.create("valkey", app="shop")

    settings = {key: value for key in ("appendonly", "appendfsync", "maxmemory", "maxmemory-policy")
                for value in [await as_administrator(kit, "CONFIG", "GET", key)]}  # fmt: skip

    assert settings == {
        "appendonly": ["appendonly", "yes"],
        "appendfsync": ["appendfsync", "everysec"],
        "maxmemory": ["maxmemory", str(256 * 1024 * 1024)],
        "maxmemory-policy": ["maxmemory-policy", "noeviction"],
    }


async def test_a_tenant_that_goes_takes_its_keys_of_all_databases_and_nobody_elses(
    kit: addonkit.Kit, home: Path
) -> None:
    blog = (await kit.create("valkey:shared", app="blog")).environ()
    wiki = (await kit.create("valkey:shared", app="blog-2")).environ()
    await call(blog["VALKEY_URL"], "EVAL", "for i = 1, 1200 do redis.call('SET', 'blog:' .. i, 'x') end", "0")
    await call(f"{blog['VALKEY_URL']}/3", "SET", "blog:elsewhere", "x")
    await call(wiki["VALKEY_URL"], "SET", f"{wiki['VALKEY_PREFIX']}kept", "x")

    await kit.destroy("blog-valkey")

    assert await as_administrator(kit, "DBSIZE") == 1
    assert await as_administrator(kit, "EXISTS", f"{wiki['VALKEY_PREFIX']}kept") == 1
    with pytest.raises(valkey.exceptions.AuthenticationError):
        await call(blog["VALKEY_URL"], "PING")
    await kit.destroy("blog-2-valkey")
    assert left_behind(home) == ()


async def test_many_tenants_come_and_go_at_once(kit: addonkit.Kit, home: Path) -> None:
    names = ["default", "addonkit", "my-app", "my_app", "x" * 150, *(f"app-{n}" for n in range(7))]

    bindings = await asyncio.gather(*(kit.create("valkey:shared", app=name) for name in names))
    environs: list[Mapping[str, str]] = [binding.environ() for binding in bindings]
    assert len({e["VALKEY_PREFIX"] for e in environs}) == len(names)
    assert len({e["VALKEY_PORT"] for e in environs}) == 1
    for environ in environs:
        assert await call(environ["VALKEY_URL"], "SET", f"{environ['VALKEY_PREFIX']}k", "v") in {True, "OK"}

    await asyncio.gather(*(kit.destroy(binding.instance.name) for binding in bindings))
    assert left_behind(home) == ()


async def test_it_lives_beside_postgresql_in_one_app(kit: addonkit.Kit) -> None:
    await kit.create("valkey:shared", app="shop")
    await kit.create("postgresql:shared", app="shop")

    environ = (await kit.environment("shop")).as_dict()
    assert {"REDIS_URL", "VALKEY_URL", "DATABASE_URL"} <= environ.keys()


async def test_passwords_are_in_no_command_line_and_no_readable_file(kit: addonkit.Kit, home: Path) -> None:
    binding = await kit.create("valkey:shared", app="shop")
    secrets = [v.text.encode() for v in binding.variables if v.sensitive]

    for line in [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()]:
        assert not any(secret in line for secret in secrets)
    for path in home.rglob("*"):
        if path.is_file():
            assert not path.stat().st_mode & 0o077 or path.parent.name == "appendonlydir", path
            assert not any(secret in path.read_bytes() for secret in secrets), path


def server_pid(home: Path) -> int:
    (record,) = home.glob("pools/*/record")
    return int(json.loads(record.read_text())["pid"])


async def as_administrator(kit: addonkit.Kit, *words: str) -> Any:
    """What the server itself says, bypassing the addon."""
    instance = (await kit.instances())[0]
    server = await kit._keeper._framework.servers.get(instance.instance.server)
    password = server.attributes["admin_password"].reveal()
    address = instance.address
    return await call(f"redis://addonkit:{password}@{address.host}:{address.port}", *words)
