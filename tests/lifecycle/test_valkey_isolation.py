"""Apps on a shared server of Valkey, and of Redis 7: each reaches what is its own, and learns nothing of the others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import valkey.asyncio
import valkey.exceptions

import addonkit

REFUSED = (valkey.exceptions.NoPermissionError, valkey.exceptions.ResponseError)


async def call(url: str, *words: str) -> Any:
    async with valkey.asyncio.Valkey.from_url(url, decode_responses=True, socket_timeout=10) as connection:
        return await connection.execute_command(*words)


@pytest.fixture(params=["9", "7"], ids=["valkey", "redis"])
def version(request: pytest.FixtureRequest, of_machine: Callable[[str], str]) -> str:
    """A version of the wheel's Valkey, and one of Debian's Redis."""
    if request.param == "7":
        of_machine("redis-server")
    return str(request.param)


@pytest.fixture
async def blog(kit: addonkit.Kit, version: str) -> Mapping[str, str]:
    """What an app on the server is given."""
    return (await kit.create("valkey:shared", app="blog", version=version)).environ()


@pytest.fixture
async def wiki(kit: addonkit.Kit, version: str, blog: Mapping[str, str]) -> Mapping[str, str]:
    """What its neighbour is given, who has a key already."""
    wiki = (await kit.create("valkey:shared", app="wiki", version=version)).environ()
    assert blog["VALKEY_PORT"] == wiki["VALKEY_PORT"]
    await call(wiki["VALKEY_URL"], "SET", "wiki:key", "hush")
    return wiki


OUT_OF_REACH = [
    ("GET", "wiki:key"), ("SET", "wiki:key", "x"), ("GET", "key"), ("DEL", "wiki:key"), ("EXISTS", "wiki:key"),
    ("TYPE", "wiki:key"), ("OBJECT", "ENCODING", "wiki:key"), ("MEMORY", "USAGE", "wiki:key"), ("WATCH", "wiki:key"),
    ("COPY", "wiki:key", "blog:key"), ("RENAME", "wiki:key", "blog:key"), ("BITOP", "AND", "blog:key", "wiki:key"),
    ("SINTERSTORE", "blog:key", "wiki:key"), ("XREAD", "STREAMS", "wiki:key", "0"), ("SORT", "wiki:key"),
    ("SORT_RO", "blog:key", "BY", "wiki:*"), ("MIGRATE", "h", "1", "k", "0", "1"),
    ("KEYS", "*"), ("SCAN", "0"), ("RANDOMKEY",), ("DBSIZE",), ("INFO",), ("MEMORY", "STATS"),
    ("CLIENT", "TRACKING", "ON", "BCAST"), ("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "wiki:"),
    ("SUBSCRIBE", "wiki:news"), ("PUBLISH", "wiki:news", "x"), ("PSUBSCRIBE", "*"), ("PSUBSCRIBE", "w*"),
    ("PSUBSCRIBE", "blog*"), ("SSUBSCRIBE", "wiki:news"), ("SUBSCRIBE", "__keyevent@0__:set"), ("PUBSUB", "CHANNELS"),
    ("EVAL", "return redis.call('GET', 'wiki:key')", "0"), ("EVAL", "return redis.call('KEYS', '*')", "0"),
    ("FUNCTION", "FLUSH"), ("FUNCTION", "LIST"), ("FCALL", "f", "0"), ("SCRIPT", "FLUSH"), ("SCRIPT", "DEBUG", "SYNC"),
    ("FLUSHALL",), ("FLUSHDB",), ("SWAPDB", "0", "1"), ("CONFIG", "GET", "*"), ("ACL", "LIST"), ("ACL", "SETUSER", "x"),
    ("ACL", "GETUSER", "wiki"), ("CLIENT", "LIST"), ("CLIENT", "KILL", "TYPE", "normal"), ("CLIENT", "PAUSE", "1"),
    ("CLIENT", "UNBLOCK", "1"), ("CLIENT", "NO-EVICT", "ON"), ("MONITOR",), ("SLOWLOG", "GET"), ("DEBUG", "SLEEP", "0"),
    ("SHUTDOWN",), ("REPLICAOF", "NO", "ONE"), ("SAVE",), ("BGREWRITEAOF",), ("MODULE", "LIST"), ("LATENCY", "RESET"),
]  # fmt: skip


async def test_what_is_anothers_is_out_of_reach(blog: Mapping[str, str], wiki: Mapping[str, str]) -> None:
    for words in OUT_OF_REACH:
        with pytest.raises(REFUSED, match=r"(?i)permission|can't access|can't run|not allowed") as refused:
            await call(blog["VALKEY_URL"], *words)
            pytest.fail(f"{words} is allowed")
        assert "hush" not in str(refused.value)
    assert await call(wiki["VALKEY_URL"], "GET", "wiki:key") == "hush"


async def test_what_is_ones_own_is_within_reach(blog: Mapping[str, str]) -> None:
    url, script = blog["VALKEY_URL"], "return redis.call('GET', KEYS[1])"

    for words, answer in {
        ("SET", "blog:key", "own"): True,
        ("EVAL", script, "1", "blog:key"): "own",
        ("EVALSHA", await call(url, "SCRIPT", "LOAD", script), "1", "blog:key"): "own",
        ("PUBLISH", "blog:news", "x"): 0,
        ("ACL", "WHOAMI"): "blog",
    }.items():
        assert await call(url, *words) == answer, words
    assert await call(f"{url}/3", "GET", "blog:key") is None, "other databases are the app's too"
    async with valkey.asyncio.Valkey.from_url(url) as client, client.pubsub() as listening:
        await listening.psubscribe("blog:*")
        await client.publish("blog:news", "heard")
        heard = [await listening.get_message(timeout=5) for _ in range(2)]
        assert heard[-1]["data"] == b"heard"


async def test_a_script_that_does_not_end_can_be_ended_by_a_neighbour(
    kit: addonkit.Kit, blog: Mapping[str, str], wiki: Mapping[str, str]
) -> None:
    await as_administrator(kit, "CONFIG", "SET", "busy-reply-threshold", "100")
    endless = asyncio.create_task(call(blog["VALKEY_URL"], "EVAL", "while true do end", "0"))
    await asyncio.sleep(0.5)  # the threshold is a time

    assert await call(wiki["VALKEY_URL"], "SCRIPT", "KILL") == "OK"

    with contextlib.suppress(valkey.exceptions.ValkeyError):
        await endless
    assert await call(wiki["VALKEY_URL"], "GET", "wiki:key") == "hush"


async def test_a_tenant_that_goes_takes_its_keys_of_all_databases_and_nobody_elses(
    kit: addonkit.Kit, blog: Mapping[str, str], wiki: Mapping[str, str]
) -> None:
    await call(blog["VALKEY_URL"], "EVAL", "for i = 1, 1200 do redis.call('SET', 'blog:' .. i, 'x') end", "0")
    await call(f"{blog['VALKEY_URL']}/3", "SET", "blog:elsewhere", "x")
    async with valkey.asyncio.Valkey.from_url(blog["VALKEY_URL"]) as connected:
        await connected.ping()

        await kit.destroy("blog-valkey")

        with pytest.raises(valkey.exceptions.ValkeyError):
            await connected.ping()
    assert await as_administrator(kit, "DBSIZE") == 1
    assert "db3" not in await as_administrator(kit, "INFO", "keyspace")
    assert await call(wiki["VALKEY_URL"], "GET", "wiki:key") == "hush"
    with pytest.raises(valkey.exceptions.AuthenticationError):
        await call(blog["VALKEY_URL"], "PING")


async def test_the_only_app_of_a_server_does_all_but_administer_it(kit: addonkit.Kit, version: str) -> None:
    url = (await kit.create("valkey", app="shop", version=version)).url

    await call(url, "SET", "any", "thing")
    assert await call(url, "KEYS", "*") == ["any"]
    await call(url, "FLUSHALL")
    for words in (("CONFIG", "GET", "*"), ("ACL", "LIST"), ("SHUTDOWN",)):
        with pytest.raises(valkey.exceptions.NoPermissionError):
            await call(url, *words)


async def as_administrator(kit: addonkit.Kit, *words: str) -> Any:
    """What the server itself says, bypassing the addon."""
    instance = (await kit.instances())[0]
    server = await kit._keeper._framework.servers.get(instance.instance.server)
    password = server.attributes["admin_password"].reveal()
    return await call(f"redis://addonkit:{password}@{instance.address.host}:{instance.address.port}", *words)
