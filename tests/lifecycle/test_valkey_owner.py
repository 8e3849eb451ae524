"""The only app of a server is its owner: all that the manual says, but administration. On Valkey, and on Redis 7."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import valkey.asyncio
import valkey.exceptions

import addonkit


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
async def url(kit: addonkit.Kit, version: str) -> str:
    """Where an app has its own server."""
    return (await kit.create("valkey", app="shop", version=version)).url


ALLOWED = [
    ("KEYS", "*"), ("SCAN", "0"), ("DBSIZE",), ("INFO",), ("FLUSHALL",), ("SWAPDB", "0", "1"), ("MEMORY", "STATS"),
    ("EVAL", "return redis.call('SET', 'any', 'thing')", "0"), ("SCRIPT", "FLUSH"), ("FUNCTION", "LIST"),
    ("CONFIG", "GET", "*"), ("CONFIG", "RESETSTAT"), ("CLIENT", "LIST"), ("CLIENT", "NO-EVICT", "ON"),
    ("CLIENT", "KILL", "TYPE", "pubsub"), ("CLIENT", "PAUSE", "1", "WRITE"), ("CLIENT", "UNPAUSE"), ("ROLE",),
    ("SLOWLOG", "GET"), ("SLOWLOG", "RESET"), ("LATENCY", "LATEST"), ("LATENCY", "DOCTOR"), ("LASTSAVE",), ("BGSAVE",),
    ("PUBSUB", "CHANNELS"), ("CLIENT", "TRACKING", "ON"), ("ACL", "WHOAMI"),
]  # fmt: skip

REFUSED = [
    ("ACL", "LIST"), ("ACL", "SETUSER", "eve", "on", "nopass"), ("ACL", "GETUSER", "addonkit"), ("ACL", "LOAD"),
    ("ACL", "DELUSER", "addonkit"), ("ACL", "SAVE"), ("SHUTDOWN", "NOSAVE"), ("REPLICAOF", "127.0.0.1", "1"),
    ("SLAVEOF", "NO", "ONE"), ("FAILOVER",), ("MODULE", "LIST"), ("MODULE", "LOAD", "/tmp/x.so"), ("DEBUG", "SLEEP", "0"),
    ("CONFIG", "REWRITE"), ("PSYNC", "?", "-1"), ("SYNC",), ("CLUSTER", "RESET"),
    *(("CONFIG", "SET", name, value) for name, value in {
        "dir": "/tmp", "dbfilename": "x", "aclfile": "/tmp/x", "unixsocket": "/tmp/x", "logfile": "/tmp/x",
        "bind": "* -::*", "port": "0", "protected-mode": "no", "requirepass": "", "loglevel": "debug",
        "maxmemory": "0", "appendonly": "no", "save": "1 1", "notify-keyspace-events": "KEA",
        "maxclients": "1", "proc-title-template": "x", "shutdown-on-sigterm": "nosave",
    }.items()),
]  # fmt: skip


@pytest.mark.all_day("valkey")
async def test_the_only_app_of_a_server_does_all_but_administer_it(url: str) -> None:
    for words in ALLOWED:
        await call(url, *words)
    for words in REFUSED:
        with pytest.raises(valkey.exceptions.ResponseError, match="permission|command not allowed"):
            await call(url, *words)
            pytest.fail(f"{words} is allowed")
    assert await call(url, "PING")


@pytest.mark.all_day("valkey")
async def test_what_is_refused_alone_is_refused_in_a_script(url: str) -> None:
    for words in (("ACL", "LIST"), ("CONFIG", "SET", "dir", "/tmp"), ("SHUTDOWN",), ("REPLICAOF", "NO", "ONE")):
        script = f"return redis.call({', '.join(repr(word) for word in words)})"
        with pytest.raises(valkey.exceptions.ResponseError):
            await call(url, "EVAL", script, "0")
    with pytest.raises(valkey.exceptions.ResponseError):
        await call(url, "EVAL", "return io.open('/etc/passwd')", "0")


@pytest.mark.all_day("redis")
async def test_the_server_tells_what_happens_to_keys(url: str) -> None:
    """The app could not switch it on: libraries that look first find it on."""
    assert set((await call(url, "CONFIG", "GET", "notify-keyspace-events"))[1]) == set("AKE")
    async with valkey.asyncio.Valkey.from_url(url, decode_responses=True) as client, client.pubsub() as listening:
        await listening.psubscribe("__keyevent@0__:expired")
        await listening.get_message(timeout=10)
        await client.set("short", "lived", px=1)
        told = await listening.get_message(timeout=10)

    assert told["data"] == "short"


@pytest.mark.slow
async def test_a_script_that_has_written_and_does_not_end_is_ended_with_the_server(kit: addonkit.Kit, url: str) -> None:
    """Its owner can do that; nothing but a kill helps, and destroying the instance is one."""
    async with valkey.asyncio.Valkey.from_url(url, socket_timeout=1, retry=None) as client:
        with pytest.raises(valkey.exceptions.ValkeyError):
            await client.eval("redis.call('SET', 'a', 'b') while true do end", 0)

    await kit.destroy("shop-valkey")

    assert await kit.instances() == ()
    with pytest.raises(valkey.exceptions.ConnectionError):
        await call(url, "PING")
