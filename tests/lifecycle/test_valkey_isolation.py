"""Apps on a shared server: each reaches what is its own, learns nothing of the others, and cannot hold them up."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
from asyncio.subprocess import PIPE
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


@pytest.fixture
async def blog(kit: addonkit.Kit) -> Mapping[str, str]:
    """What an app on the server is given."""
    return (await kit.create("valkey:shared", app="blog")).environ()


@pytest.fixture
async def wiki(kit: addonkit.Kit, blog: Mapping[str, str]) -> Mapping[str, str]:
    """What its neighbour is given, who has a key already."""
    wiki = (await kit.create("valkey:shared", app="wiki")).environ()
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
    ("EVAL", "return redis.call('GET', 'wiki:key')", "0"), ("EVAL", "return 1", "0"), ("EVALSHA", "0" * 40, "0"),
    ("EVAL_RO", "return 1", "0"), ("SCRIPT", "LOAD", "return 1"), ("SCRIPT", "KILL"), ("SCRIPT", "EXISTS", "0" * 40),
    ("FUNCTION", "LOAD", "#!lua name=x\n"), ("FUNCTION", "KILL"), ("FUNCTION", "FLUSH"), ("FCALL_RO", "f", "0"),
    ("LOLWUT",), ("CLUSTERSCAN", "0"), ("CLUSTER", "INFO"), ("RESTORE", "blog:key", "0", "x"), ("PSYNC", "?", "-1"),
    ("SYNC",), ("FAILOVER",), ("MODULE", "LOAD", "x"), ("MEMORY", "DOCTOR"), ("COMMANDLOG", "GET", "1", "slow"),
    ("CONFIG", "SET", "maxclients", "1"), ("CONFIG", "REWRITE"), ("CLIENT", "PAUSE", "9", "WRITE"), ("ROLE",),
    ("PSUBSCRIBE", "blog:events:*"), ("FUNCTION", "LIST"), ("FCALL", "f", "0"), ("SCRIPT", "FLUSH"), ("SCRIPT", "DEBUG", "SYNC"),
    ("FLUSHALL",), ("FLUSHDB",), ("SWAPDB", "0", "1"), ("CONFIG", "GET", "*"), ("ACL", "LIST"), ("ACL", "SETUSER", "x"),
    ("ACL", "GETUSER", "wiki"), ("CLIENT", "LIST"), ("CLIENT", "KILL", "TYPE", "normal"), ("CLIENT", "PAUSE", "1"),
    ("CLIENT", "UNBLOCK", "1"), ("CLIENT", "NO-EVICT", "ON"), ("MONITOR",), ("SLOWLOG", "GET"), ("DEBUG", "SLEEP", "0"),
    ("SHUTDOWN",), ("REPLICAOF", "NO", "ONE"), ("SAVE",), ("BGSAVE",), ("BGREWRITEAOF",), ("MODULE", "LIST"), ("LATENCY", "RESET"),
]  # fmt: skip


async def test_what_is_anothers_is_out_of_reach(blog: Mapping[str, str], wiki: Mapping[str, str]) -> None:
    for words in OUT_OF_REACH:
        with pytest.raises(
            REFUSED, match=r"(?i)permission|can't access|can't run|not allowed|unknown command"
        ) as refused:
            await call(blog["VALKEY_URL"], *words)
            pytest.fail(f"{words} is allowed")
        assert "hush" not in str(refused.value)
    assert await call(wiki["VALKEY_URL"], "GET", "wiki:key") == "hush"


async def test_what_is_refused_alone_is_refused_in_a_transaction(
    blog: Mapping[str, str], wiki: Mapping[str, str]
) -> None:
    async with valkey.asyncio.Valkey.from_url(blog["VALKEY_URL"]) as client:
        for words in (("GET", "wiki:key"), ("EVAL", "return 1", "0"), ("FLUSHALL",), ("SWAPDB", "0", "1")):
            async with client.pipeline(transaction=True) as pipe:
                pipe.set("blog:key", "x").execute_command(*words)
                with pytest.raises(valkey.exceptions.ValkeyError):
                    await pipe.execute()
    assert await call(wiki["VALKEY_URL"], "GET", "wiki:key") == "hush"


async def test_what_is_ones_own_is_within_reach(blog: Mapping[str, str]) -> None:
    url = blog["VALKEY_URL"]

    for words, answer in {
        ("SET", "blog:key", "own"): True,
        ("GET", "blog:key"): "own",
        ("PUBLISH", "blog:news", "x"): 0,
        ("ACL", "WHOAMI"): blog["VALKEY_USERNAME"],
        ("XADD", "blog:stream", "1-1", "a", "b"): "1-1",
        ("TYPE", "blog:stream"): "stream",
        ("HSCAN", "blog:none", "0"): (0, {}),
        ("WAITAOF", "0", "0", "0"): [1, 0],
    }.items():
        assert await call(url, *words) == answer, words
    assert await call(f"{url}/3", "GET", "blog:key") is None, "other databases are the app's too"
    async with valkey.asyncio.Valkey.from_url(url, client_name="blog") as client, client.pubsub() as listening:
        await listening.psubscribe("blog:*")
        await client.publish("blog:news", "heard")
        heard = [await listening.get_message(timeout=5) for _ in range(2)]
        assert heard[-1]["data"] == b"heard"


SEVERAL = 1 << 40
"""More answers than a server could ever send."""

HOLD_UPS = [
    ("EVAL", "redis.call('SET', KEYS[1], '1') while true do end", "1", "blog:key"),
    ("SRANDMEMBER", "blog:set", str(-SEVERAL)), ("HRANDFIELD", "blog:hash", str(-SEVERAL)),
    ("ZRANDMEMBER", "blog:sorted", str(-SEVERAL)), ("ZRANDMEMBER", "blog:sorted", str(-SEVERAL), "WITHSCORES"),
    ("SETRANGE", "blog:large", str(500 << 20), "x"), ("SETBIT", "blog:large", str((1 << 32) - 1), "1"),
    ("LCS", "blog:long", "blog:longer"),
]  # fmt: skip


async def test_no_command_of_an_app_holds_up_the_others_or_takes_the_memory(
    kit: addonkit.Kit, blog: Mapping[str, str], wiki: Mapping[str, str]
) -> None:
    url = blog["VALKEY_URL"]
    await call(url, "SADD", "blog:set", "a", "b")
    await call(url, "HSET", "blog:hash", "a", "1")
    await call(url, "ZADD", "blog:sorted", "1", "a")
    for key in ("blog:long", "blog:longer"):
        await call(url, "SETRANGE", key, "1000000", key)

    for words in HOLD_UPS:
        with pytest.raises(valkey.exceptions.ValkeyError):
            await call(url, *words)
            pytest.fail(f"{words} was carried out")
        assert await call(wiki["VALKEY_URL"], "SET", "wiki:key", "hush")
    assert int((await as_administrator(kit, "INFO", "memory"))["used_memory_peak"]) < 600 << 20


@pytest.mark.slow
async def test_what_connections_hold_is_bounded(
    kit: addonkit.Kit, blog: Mapping[str, str], wiki: Mapping[str, str]
) -> None:
    """Halves of commands, queues of transactions, answers that are not read: the connection ends, not the server."""
    value = b"x" * (10 << 20)
    await call(blog["VALKEY_URL"], "SET", "blog:large", value.decode())
    attacks = [
        (60, _command(b"SET", b"blog:a", value)[:-100]),
        (3, b"MULTI\r\n" + _command(b"SET", b"blog:a", value) * 30),
        (3, _command(b"GET", b"blog:large") * 100),
        (1, _command(b"SUBSCRIBE", *(b"blog:%d" % number for number in range(300_000)))),
    ]
    for connections, attack in attacks:
        opened = [await _logged_in(blog) for _ in range(connections)]
        for _, writer in opened:
            with contextlib.suppress(OSError):
                writer.write(attack)
        await asyncio.gather(*(writer.drain() for _, writer in opened), return_exceptions=True)
        assert await call(wiki["VALKEY_URL"], "SET", "wiki:key", "hush")
        for _, writer in opened:
            writer.close()
    assert int((await as_administrator(kit, "INFO", "memory"))["used_memory_peak"]) < 700 << 20


async def _logged_in(environ: Mapping[str, str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of an app, without a client that would keep to the rules."""
    reader, writer = await asyncio.open_connection(environ["VALKEY_HOST"], int(environ["VALKEY_PORT"]))
    writer.write(_command(b"AUTH", environ["VALKEY_USERNAME"].encode(), environ["VALKEY_PASSWORD"].encode()))
    assert await reader.readline() == b"+OK\r\n"
    return reader, writer


def _command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


ANY_BYTES = [b"\xff\xfe\x00key", b"\x00", b"\n\r", bytes(range(256)), "\N{SNOWMAN}".encode("utf-16")]


async def test_a_tenant_goes_whatever_bytes_its_keys_are_made_of(
    kit: addonkit.Kit, blog: Mapping[str, str], wiki: Mapping[str, str]
) -> None:
    async with valkey.asyncio.Valkey.from_url(blog["VALKEY_URL"]) as client:
        for number, key in enumerate(ANY_BYTES):
            await client.set(b"blog:" + key, key)
            await client.sadd(b"blog:%d" % number + key, key)
        with pytest.raises(valkey.exceptions.NoPermissionError):
            await client.set(b"blo\xff:key", "x")
        await client.publish(b"blog:\xff", b"\xff")

    await kit.destroy("blog-valkey")

    assert await as_administrator(kit, "DBSIZE") == 1
    assert await call(wiki["VALKEY_URL"], "GET", "wiki:key") == "hush"


async def test_an_app_that_goes_is_out_before_its_data_are_removed(
    kit: addonkit.Kit, blog: Mapping[str, str], wiki: Mapping[str, str]
) -> None:
    """Connections that wait, listen, hold a transaction, or write all the time: none stays, and none leaves a key."""
    waiting = [await _logged_in(blog) for _ in range(4)]
    for (_, writer), begun in zip(
        waiting,
        (
            _command(b"BLPOP", b"blog:queue", b"0"),
            _command(b"SUBSCRIBE", b"blog:news"),
            _command(b"MULTI") + _command(b"SET", b"blog:late", b"x"),
            _command(b"WAIT", b"9", b"0"),
        ),
        strict=True,
    ):
        writer.write(begun)
        await writer.drain()
    writers = [asyncio.create_task(_write_until_it_ends(blog, number)) for number in range(8)]
    await asyncio.sleep(0.1)  # so that they are at it

    await kit.destroy("blog-valkey")

    assert await asyncio.gather(*writers) == [True] * 8
    for reader, writer in waiting:
        await reader.read()
        writer.close()
    assert await as_administrator(kit, "DBSIZE") == 1
    assert await as_administrator(kit, "ACL", "USERS") == [
        "addonkit", "default", "wiki", wiki["VALKEY_USERNAME"],
    ]  # fmt: skip
    with pytest.raises(valkey.exceptions.AuthenticationError):
        await call(blog["VALKEY_URL"], "PING")


FLOOD = """
import os, resource, socket, sys
_, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
address, opened = (os.environ["VALKEY_HOST"], int(os.environ["VALKEY_PORT"])), []
while True:
    try:
        opened.append(socket.create_connection(address, timeout=5))
        opened[-1].sendall(b"PING\\r\\n")
        if opened[-1].recv(100).startswith(b"-ERR max"):
            print("full", flush=True)
            sys.stdin.readline()
    except OSError:
        opened.clear()
"""
"""Takes all connections, without logging in, until it is told to go on; takes them again when they are closed."""


async def test_an_app_goes_though_another_has_taken_all_connections(
    kit: addonkit.Kit, blog: Mapping[str, str], wiki: Mapping[str, str]
) -> None:
    await as_administrator(kit, "CONFIG", "SET", "maxclients", "500")
    await call(blog["VALKEY_URL"], "SET", "blog:key", "x")
    await call(wiki["VALKEY_URL"], "WAITAOF", "1", "0", "10000")
    flood = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FLOOD, env={**os.environ, **wiki}, stdin=PIPE, stdout=PIPE
    )
    try:
        assert flood.stdin
        assert flood.stdout
        assert await flood.stdout.readline() == b"full\n"
        flood.stdin.write(b"\n" * 100_000)

        assert not (await kit.heal()).failed
        await kit.destroy("blog-valkey")
    finally:
        flood.kill()
        await flood.communicate()

    assert await as_administrator(kit, "DBSIZE") == 1
    with pytest.raises(valkey.exceptions.AuthenticationError):
        await call(blog["VALKEY_URL"], "PING")
    assert await call(wiki["VALKEY_URL"], "GET", "wiki:key") == "hush"


async def _write_until_it_ends(environ: Mapping[str, str], worker: int) -> bool:
    async with valkey.asyncio.Valkey.from_url(environ["VALKEY_URL"], socket_timeout=30) as client:
        with contextlib.suppress(valkey.exceptions.ValkeyError):
            for number in itertools.count():
                await client.set(f"blog:{worker}:{number}", "x")
    return True


async def test_a_tenant_that_goes_takes_its_keys_of_all_databases_and_nobody_elses(
    kit: addonkit.Kit, blog: Mapping[str, str], wiki: Mapping[str, str]
) -> None:
    async with valkey.asyncio.Valkey.from_url(blog["VALKEY_URL"]) as client, client.pipeline() as pipe:
        for number in range(1200):
            pipe.set(f"blog:{number}", "x")
        await pipe.execute()
    await call(f"{blog['VALKEY_URL']}/3", "SET", "blog:elsewhere", "x")
    usage = await kit.usage("blog-valkey")
    assert usage is not None
    assert usage.objects == 1201, "keys of all databases"
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


async def test_servers_that_cannot_keep_apps_apart_are_refused(
    kit: addonkit.Kit, of_machine: Callable[[str], str]
) -> None:
    of_machine("redis-server")

    with pytest.raises(addonkit.errors.UnknownVersion, match=r"7\.0\.15 is too old; needed is 7\.2\.11 or"):
        await kit.create("valkey:shared", app="blog", version="7")


async def as_administrator(kit: addonkit.Kit, *words: str) -> Any:
    """What the server itself says, bypassing the addon."""
    instance = (await kit.instances())[0]
    server = await kit._pools._framework.servers.get(instance.instance.server)
    password = server.attributes["admin_password"].reveal()
    return await call(f"redis://addonkit:{password}@{instance.address.host}:{instance.address.port}", *words)
