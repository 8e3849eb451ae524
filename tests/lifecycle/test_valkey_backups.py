"""Backups of Valkey on real servers: every type comes back, however it is held, whatever is written meanwhile."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Mapping
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import pytest
import valkey.asyncio

import addonkit
from addonkit import BackupError, SagaFailed
from addonkit.testing.home import temporary_home
from addonkit.testing.serving import free_port, serving


def connect(environ: Mapping[str, str], database: int = 0) -> Any:
    return valkey.asyncio.Valkey.from_url(environ["VALKEY_URL"], db=database, socket_timeout=30)


async def fill(environ: Mapping[str, str], *, databases: tuple[int, ...]) -> None:
    """Every type, in both ways in which a server holds it, with odd names."""
    prefix = environ.get("VALKEY_PREFIX", "").encode()
    for database in databases:
        async with connect(environ, database) as client:
            await client.set(prefix + b"text", "hello")
            await client.set(prefix + b"\x00\xff\r\n$3 *?[", os.urandom(300))
            await client.set(prefix + "Grüße".encode(), "")
            await client.set(prefix + b"large", os.urandom(6 * 1024 * 1024))
            await client.set(prefix + b"session", "x", px=3_600_000)
            await client.set(prefix + b"soon", "x", px=1_500)
            for size in SIZES:
                await client.rpush(prefix + b"list%d" % size, *(f"{n}" for n in range(size)))
                await client.sadd(prefix + b"set%d" % size, *(f"m{n}" for n in range(size)))
                await client.sadd(prefix + b"numbers%d" % size, *range(size))
                await client.hset(prefix + b"hash%d" % size, mapping={f"f{n}": n for n in range(size)})
                await client.zadd(prefix + b"zset%d" % size, {f"m{n}": n / 3 for n in range(size)})
            await client.zadd(prefix + b"ends", {"a": float("inf"), "b": float("-inf")})
            await client.execute_command("HPEXPIRE", prefix + b"hash5", 1_500, "FIELDS", 1, "f0")
            await client.execute_command("HPEXPIRE", prefix + b"hash5", 9_999_999, "FIELDS", 1, "f1")
            for number in range(300):
                await client.xadd(prefix + b"stream", {"lag": str(number)})
            await client.xgroup_create(prefix + b"stream", "workers", id="0")
            await client.xreadgroup("workers", "one", {prefix + b"stream": ">"}, count=7)
            await client.xdel(prefix + b"stream", (await client.xrange(prefix + b"stream", count=1))[0][0])


SIZES = (5, 3000)
NAMES = (
    *(b"text", b"\x00\xff\r\n$3 *?[", "Grüße".encode(), b"large", b"session", b"soon", b"ends", b"stream"),
    *(b"%b%d" % (kind, size) for kind in (b"list", b"set", b"numbers", b"hash", b"zset") for size in SIZES),
)


async def types(environ: Mapping[str, str], database: int = 0) -> dict[bytes, Any]:
    """Types by name; an app on a shared server cannot list its keys."""
    prefix = environ.get("VALKEY_PREFIX", "").encode()
    async with connect(environ, database) as client:
        return {name: await client.type(prefix + name) for name in NAMES}


async def environ_of(kit: addonkit.Kit, app: str) -> dict[str, str]:
    return (await kit.environment(app)).values


@pytest.fixture
def backups_beside(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("ADDONKIT_BACKUPS", str(tmp_path / "backups"))


@pytest.mark.all_day("shared")
@pytest.mark.usefixtures("backups_beside")
@pytest.mark.parametrize("variant", ["small", "shared"])
async def test_what_is_backed_up_comes_back(variant: str) -> None:
    with temporary_home() as home:
        async with addonkit.open(home) as kit:
            environ = (await kit.create(f"valkey:{variant}", app="shop")).environ()
            other = (await kit.create(f"valkey:{variant}", app="blog")).environ()
            empty = await kit.backups.create("blog-valkey")
            assert empty.proof is not None
            assert empty.proof.items == 0
            async with connect(other) as client:
                await client.set(f"{other.get('VALKEY_PREFIX', '')}mine", "1")
            await fill(environ, databases=(0, 3))
            if variant == "small":
                async with connect(environ) as client:
                    await client.function_load(
                        "#!lua name=ours\nserver.register_function('one', function() return 1 end)"
                    )

            backup = await kit.backups.create("shop-valkey", verify=False)
            await asyncio.sleep(1.6)
            verified = await kit.backups.verify(backup.name)
            assert verified.proof is not None
            before = {database: await types(environ, database) for database in (0, 3)}
            async with connect(environ) as client:
                await client.delete(*[f"{environ.get('VALKEY_PREFIX', '')}{name}" for name in ("text", "large")])

            await kit.backups.restore("shop-valkey")

            restored = await environ_of(kit, "shop")
            for database, names in before.items():
                assert await types(restored, database) == names
            async with connect(restored) as client:
                prefix = restored.get("VALKEY_PREFIX", "")
                assert 3_000_000 < await client.pttl(f"{prefix}session") <= 3_600_000
                assert (await client.xinfo_groups(f"{prefix}stream"))[0]["pending"] == 7
                assert b"f0" not in await client.hgetall(f"{prefix}hash5")
                if variant == "small":
                    assert await client.fcall("one", 0) == 1
            async with connect(other) as client:
                assert await client.get(f"{other.get('VALKEY_PREFIX', '')}mine") == b"1"


@pytest.mark.usefixtures("backups_beside")
@pytest.mark.slow
async def test_a_hundred_thousand_keys_while_an_app_writes(kit: addonkit.Kit) -> None:
    environ = (await kit.create("valkey", app="shop")).environ()
    async with connect(environ) as client:
        for first in range(0, 100_000, 20_000):
            await client.mset({f"key:{n}": f"value {n}" for n in range(first, first + 20_000)})

        ended = asyncio.Event()

        async def write() -> None:
            for number in takewhile(lambda _: not ended.is_set(), count()):
                await client.set(f"key:{number % 500}", number)
                await client.set(f"more:{number}", number)
                await client.delete(f"more:{number - 50}")

        writer = asyncio.create_task(write())
        backup = await kit.backups.create("shop-valkey")
        ended.set()
        await writer

    assert backup.proof is not None
    assert backup.proof.items >= 100_000


async def test_a_cache_has_nothing_to_back_up(kit: addonkit.Kit) -> None:
    await kit.create("valkey:cache", app="shop")

    with pytest.raises(BackupError, match="valkey:cache is a cache, which has nothing to back up"):
        await kit.backups.create("shop-valkey")


@pytest.mark.usefixtures("backups_beside")
@pytest.mark.slow
async def test_an_rdb_comes_in_with_a_prefix_or_whole(kit: addonkit.Kit, tmp_path: Path, scratch_place: Path) -> None:
    for app, variant in (("one", "shared"), ("two", "small"), ("three", "shared"), ("four", "small")):
        await kit.create(f"valkey:{variant}", app=app)
    (programs,) = (await kit.environment("one")).programs
    port = free_port()
    argv = [
        f"{programs}/valkey-server",
        "--port",
        str(port),
        "--dir",
        str(tmp_path),
        "--save",
        "",
        "--bind",
        "127.0.0.1",
    ]
    with serving(argv, port) as address:
        origin = {"VALKEY_URL": f"redis://{address}"}
        await fill(origin, databases=(0, 3))
        async with connect(origin) as client:
            await client.save()
            dumped = (tmp_path / "dump.rdb").rename(tmp_path / "origin.rdb")
            await client.function_load("#!lua name=ours\nserver.register_function('one', function() return 1 end)")
            await client.save()
        functions = tmp_path / "dump.rdb"
    for app in ("one", "two"):
        await kit.moves.import_(f"{app}-valkey", str(dumped))
        environ = await environ_of(kit, app)
        for database in (0, 3):
            assert (await types(environ, database)).items() >= {b"zset3000": b"zset", b"stream": b"stream"}.items()
        async with connect(environ) as client:
            assert 3_000_000 < await client.pttl(f"{environ.get('VALKEY_PREFIX', '')}session") <= 3_600_000

    with pytest.raises(SagaFailed, match="it has functions, which no app on a shared server can have"):
        await kit.moves.import_("three-valkey", str(functions))
    await kit.moves.import_("four-valkey", str(functions))
    async with connect(await environ_of(kit, "four")) as client:
        assert await client.fcall("one", 0) == 1

    content = dumped.read_bytes()
    for wrong, told in (
        (content[: len(content) // 2], "Unexpected EOF|Short read|Internal error in RDB"),
        (content[:6] + b"999" + content[9:], "RDB"),
        (content[:-20] + b"x" + content[-19:], "Wrong RDB checksum|Internal error in RDB|Short read or OOM"),
        (b"SET a b\n", "the file is no RDB; write one with `valkey-cli --rdb FILE`"),
        (b"", "the file is no RDB"),
    ):
        (tmp_path / "wrong.rdb").write_bytes(wrong)
        with pytest.raises(SagaFailed, match=told):
            await kit.moves.import_("three-valkey", str(tmp_path / "wrong.rdb"))
    assert [*scratch_place.iterdir()] == []


async def redis_cli(environ: Mapping[str, str], path: Path) -> Path:
    """What the tool of others writes."""
    argv = ["redis-cli", "-u", environ["VALKEY_URL"], "--no-auth-warning", "--rdb", str(path)]
    found = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return path


@pytest.mark.usefixtures("backups_beside")
async def test_data_of_an_older_server_of_others_come_in(kit: addonkit.Kit, tmp_path: Path) -> None:
    port = free_port()
    argv = ["redis-server", "--port", str(port), "--dir", str(tmp_path), "--save", "", "--bind", "127.0.0.1"]
    with serving(argv, port) as address:
        origin = {"VALKEY_URL": f"redis://{address}"}
        await fill_older(origin)
        dumped = await redis_cli(origin, tmp_path / "redis.rdb")
        for app, source in (("one", str(dumped)), ("two", origin["VALKEY_URL"])):
            await kit.create("valkey:shared", app=app)
            await kit.moves.import_(f"{app}-valkey", source)
            environ = await environ_of(kit, app)
            async with connect(environ) as client:
                assert (await client.xinfo_groups(f"{environ['VALKEY_PREFIX']}stream"))[0]["pending"] == 1
                assert await client.zscore(f"{environ['VALKEY_PREFIX']}zset", "b") == float("-inf")


async def fill_older(environ: Mapping[str, str]) -> None:
    async with connect(environ) as client:
        await client.mset({f"key{n}": n for n in range(1000)})
        await client.zadd("zset", {"a": 0.1, "b": float("-inf")})
        await client.hset("hash", mapping={f"f{n}": "x" * n for n in range(100)})
        await client.xadd("stream", {"a": "1"})
        await client.xgroup_create("stream", "workers", id="0")
        await client.xreadgroup("workers", "one", {"stream": ">"}, count=1)
        await client.set("session", "x", px=3_600_000)
