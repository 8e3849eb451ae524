"""Credentials of apps: each has its own, they are replaced while they are used, and may do what their role says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import botocore.exceptions
import pytest
import valkey
import valkey.asyncio

import addonkit
from addonkit.engine.failpoints import at
from addonkit.testing.command import CommandLine
from addonkit.util.clock import SystemClock
from addonkit_s3_remote.conformance import of_app

NONE = timedelta(0)
REFUSED = (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)


class Crash(BaseException):
    """Ends everything, as a crash does: nothing of ours catches it."""


def crash() -> None:
    raise Crash


@asynccontextmanager
async def log_in(environ: Mapping[str, str]) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(environ["DATABASE_URL"], timeout=10)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


async def is_let_in(environ: Mapping[str, str]) -> bool:
    try:
        async with log_in(environ) as connection:
            return await connection.fetchval("SELECT 1") == 1
    except REFUSED:
        return False


async def environ_of(kit: addonkit.Kit, app: str) -> dict[str, str]:
    return (await kit.environment(app)).values


@pytest.mark.all_day("shared")
@pytest.mark.parametrize("variant", ["small", "shared"])
async def test_a_database_changes_hands_while_it_is_used(kit: addonkit.Kit, variant: str) -> None:
    shop = (await kit.create(f"postgresql:{variant}", app="shop")).environ()
    blog = (await kit.attach("shop-postgresql", "blog")).environ()
    async with log_in(shop) as connection, log_in(blog) as other:
        await connection.execute("CREATE TABLE things (name text); INSERT INTO things VALUES ('kept')")
        assert shop["PGUSER"] != blog["PGUSER"]
        names = await other.fetch("SELECT usename FROM pg_stat_activity WHERE datname = current_database()")
        assert {shop["PGUSER"], blog["PGUSER"]} <= {row["usename"] for row in names}
        await other.execute("ALTER TABLE things ADD COLUMN more int; CREATE TABLE of_blog (x int)")
        await other.execute("CREATE SCHEMA apart; SET ROLE NONE; CREATE TABLE apart.own (x int)")

        kept = await kit.rotations.rotate("shop-postgresql", "shop", grace=NONE)

        new = await environ_of(kit, "shop")
        assert [(each.app, each.sessions) for each in kept.kept] == [("shop", 1)], "a session uses the former one"
        assert new["PGUSER"] != shop["PGUSER"]
        assert await is_let_in(shop)
        assert await is_let_in(new)
        assert await environ_of(kit, "blog") == blog
        assert await connection.fetchval("SELECT name FROM things") == "kept"
        assert [each.kind for each in await kit.doctor()] == ["former-login"]

        ended = await kit.rotations.finish("shop-postgresql", force=True)

        assert (ended.kept, ended.ended) == ((), 1)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await connection.fetchval("SELECT 1")
        assert not await is_let_in(shop)
        assert await is_let_in(new)
        async with log_in(new) as again:
            owners = await again.fetch("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
            assert [row["tableowner"] for row in owners] == [shop["PGDATABASE"]]
            await again.execute("DROP TABLE of_blog")

        await kit.detach("shop-postgresql", "blog")

        assert not await is_let_in(blog)
        assert await is_let_in(new)
        async with log_in(new) as again:
            owner = await again.fetchval("SELECT tableowner FROM pg_tables WHERE schemaname = 'apart'")
            assert owner == shop["PGDATABASE"], "what a login has made as itself stays, and is the owner's"
        assert await kit.doctor() == ()


async def test_an_app_that_reads_only_reads_what_comes_later(kit: addonkit.Kit) -> None:
    shop = (await kit.create("postgresql:shared", app="shop")).environ()
    async with log_in(shop) as owner:
        await owner.execute("CREATE TABLE before (x int); INSERT INTO before VALUES (1)")
        reader = (await kit.attach("shop-postgresql", "reports", role="read-only")).environ()
        writer = (await kit.attach("shop-postgresql", "imports", role="read-write")).environ()
        await owner.execute("CREATE SCHEMA late; CREATE TABLE late.things (id serial, x int)")
        await owner.execute("INSERT INTO late.things (x) VALUES (2)")

        async with log_in(reader) as connection:
            assert (
                await connection.fetchval("SELECT sum(x) FROM (SELECT x FROM before UNION SELECT x FROM late.things)")
                == 3
            )
            await connection.execute("SET default_transaction_read_only = off")
            for attempt in ("INSERT INTO before VALUES (2)", "DELETE FROM late.things", "CREATE TABLE mine (x int)",
                            "SET ROLE shop", "SELECT * FROM pg_authid"):  # fmt: skip
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(attempt)
        async with log_in(writer) as connection:
            await connection.execute("INSERT INTO late.things (x) VALUES (3); DELETE FROM before")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("DROP TABLE before")

    with pytest.raises(addonkit.InvalidInput, match="use owner, read-write, read-only"):
        await kit.attach("shop-postgresql", "other", role="admin")

    backup = await kit.backups.create("shop-postgresql")
    assert (await kit.backups.verify(backup.name)).proof is not None
    async with log_in(shop) as owner, log_in(reader) as connection, log_in(writer) as other:
        await owner.execute("CREATE TABLE after_backup (x int)")
        await other.execute("INSERT INTO after_backup VALUES (1)")
        assert await connection.fetchval("SELECT x FROM after_backup") == 1
    await kit.moves.clone("shop-postgresql", "copy")
    async with log_in(await environ_of(kit, "copy")) as connection:
        assert await connection.fetchval("SELECT count(*) FROM late.things") == 2
        await connection.execute("ALTER TABLE late.things ADD COLUMN more int")


@pytest.mark.all_day("before:remove_login")
@pytest.mark.parametrize(
    "point", ["after:add_login", "journal:build_binding", "before:remove_login", "after:remove_login"]
)
async def test_a_rotation_that_is_killed_leaves_credentials_that_work(home: Path, point: str) -> None:
    async with addonkit.open(home) as kit:
        former = (await kit.create("postgresql:small", app="shop")).environ()
    with pytest.raises(Crash):
        async with addonkit.open(home) as kit:
            with at(point, crash):
                await kit.rotations.rotate("shop-postgresql")

    async with addonkit.open(home) as kit:
        assert await is_let_in(await environ_of(kit, "shop"))
        await kit.rotations.rotate("shop-postgresql")
        assert await is_let_in(await environ_of(kit, "shop"))
        assert not await is_let_in(former)
        assert await kit.doctor() == ()


@pytest.mark.all_day("shared")
@pytest.mark.parametrize("variant", ["small", "cache", "shared"])
async def test_a_cache_changes_hands_while_it_is_used(kit: addonkit.Kit, variant: str) -> None:
    shop = (await kit.create(f"valkey:{variant}", app="shop")).environ()
    key = f"{shop.get('VALKEY_PREFIX', '')}key"
    reader = (await kit.attach("shop-valkey", "reports", role="read-only")).environ()
    async with valkey.asyncio.Valkey.from_url(shop["VALKEY_URL"]) as connection:
        await connection.set(key, "kept")
        kept = await kit.rotations.rotate("shop-valkey", "shop", grace=NONE)
        assert [each.sessions for each in kept.kept] == [1]
    new = await environ_of(kit, "shop")
    async with valkey.asyncio.Valkey.from_url(new["VALKEY_URL"]) as connection:
        assert await connection.get(key) == b"kept"

    assert (await kit.rotations.finish("shop-valkey")).kept == ()

    async with valkey.asyncio.Valkey.from_url(shop["VALKEY_URL"]) as connection:
        with pytest.raises(valkey.exceptions.AuthenticationError):
            await connection.get(key)
    async with valkey.asyncio.Valkey.from_url(reader["VALKEY_URL"]) as connection:
        assert await connection.get(key) == b"kept"
        for words in (("SET", key, "x"), ("DEL", key), ("FLUSHALL",), ("PUBLISH", key, "x")):
            with pytest.raises((valkey.exceptions.NoPermissionError, valkey.exceptions.ResponseError)):
                await connection.execute_command(*words)
    await kit.detach("shop-valkey", "reports")
    async with valkey.asyncio.Valkey.from_url(reader["VALKEY_URL"]) as connection:
        with pytest.raises(valkey.exceptions.AuthenticationError):
            await connection.get(key)


async def test_a_bucket_changes_hands(s3kit: addonkit.Kit) -> None:
    shop = (await s3kit.create("s3-remote", app="shop")).environ()
    reader = (await s3kit.attach("shop-s3-remote", "reports", role="read-only")).environ()
    place = {"Bucket": shop["S3_BUCKET"], "Key": "key"}
    of_app(shop).put_object(**place, Body=b"kept")

    kept = await s3kit.rotations.rotate("shop-s3-remote", "shop")

    new = await environ_of(s3kit, "shop")
    assert [each.sessions for each in kept.kept] == [None], "S3 does not tell who uses a key"
    for environ in (shop, new, reader):
        assert of_app(environ).get_object(**place)["Body"].read() == b"kept"
    assert (await s3kit.rotations.finish("shop-s3-remote", force=True)).kept == ()
    for environ, call in ((shop, "get_object"), (reader, "put_object"), (reader, "delete_object")):
        with pytest.raises(botocore.exceptions.ClientError):
            getattr(of_app(environ), call)(**place)
    of_app(new).delete_object(**place)


class Quick(SystemClock):
    """The machine's clock, moved on, that waits for a moment only."""

    by = NONE

    def now(self) -> datetime:
        return super().now() + self.by

    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.05))


@asynccontextmanager
async def kept_up(kit: addonkit.Kit, told: list[str]) -> AsyncIterator[None]:
    keeping = asyncio.create_task(kit.keeper(told.append).run())
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def comes_true(condition: Callable[[], Awaitable[bool]]) -> bool:
    for _ in range(600):
        if await condition():
            return True
        await asyncio.sleep(0.05)
    return False


async def test_what_a_rotation_kept_ends_by_itself(home: Path, operator: Mapping[str, str]) -> None:
    """A keeper, or `retry`, revokes former credentials when they are unused or their time is over; no sooner."""
    clock, told = Quick(), list[str]()
    async with addonkit.open(home, clock=clock) as kit:
        await kit.set_config("s3-remote", operator)
        bucket = (await kit.create("s3-remote", app="shop")).environ()
        await kit.rotations.rotate("shop-s3-remote", grace=timedelta(hours=1))
        shop = (await kit.create("valkey:cache", app="shop")).environ()

        async def is_revoked() -> bool:
            return not any(each.kind == "former-login" and each.subject == "shop-valkey" for each in await kit.doctor())

        async with valkey.asyncio.Valkey.from_url(shop["VALKEY_URL"]) as connection:
            await connection.set("key", "kept")
            assert (await kit.rotations.rotate("shop-valkey", grace=NONE)).kept
            async with kept_up(kit, told):
                clock.by = timedelta(minutes=11)
                looked = clock.now()
                assert await comes_true(lambda: has_looked(kit, "shop-valkey", looked))
                assert await connection.get("key") == b"kept", "a session uses them"
                assert not await is_revoked()
                await connection.aclose()
                clock.by = timedelta(minutes=30)
                assert await comes_true(lambda: has_told(told, "shop-valkey"))
                assert await is_revoked()
                of_app(bucket).put_object(Bucket=bucket["S3_BUCKET"], Key="key", Body=b"kept")
                clock.by = timedelta(hours=2)
                assert await comes_true(lambda: has_told(told, "shop-s3-remote"))
                assert await kit.doctor() == ()
        with pytest.raises(botocore.exceptions.ClientError):
            of_app(bucket).get_object(Bucket=bucket["S3_BUCKET"], Key="key")

        shop = await environ_of(kit, "shop")
        async with valkey.asyncio.Valkey.from_url(shop["VALKEY_URL"]) as connection:
            await connection.ping()
            await kit.rotations.rotate("shop-valkey", grace=NONE)
            await kit.retry("shop-valkey")
            assert not await is_revoked()
        await kit.retry("shop-valkey")
        assert await is_revoked()


async def has_looked(kit: addonkit.Kit, name: str, after: datetime) -> bool:
    """Whether sessions of an instance were counted since then."""
    instance = (await kit.show(name)).instance.id
    done = await kit.executions()
    return any(
        "sessions/" in each.id and each.subject["instance"] == instance and each.finished and each.finished >= after
        for each in done
    )


async def has_told(told: list[str], name: str) -> bool:
    return f"{name}: its former credentials are revoked" in told


def test_the_command_takes_times_with_units_and_answers_programs(addonkit_command: CommandLine) -> None:
    addonkit_command("create", "valkey:cache", "-a", "shop")

    unknown = addonkit_command("rotate", "shop-valkey", "--grace", "soon")
    assert unknown.status == 2
    assert "use one like 90s, 10m, 1h or 2d" in unknown.err
    rotated = addonkit_command("rotate", "valkey", "-a", "shop", "--grace", "1s", "--json")
    assert rotated.data == {"instance": "shop-valkey", "apps": ["shop"], "kept": [], "ended": 0, "renewed": False}
    addonkit_command("attach", "shop-valkey", "-a", "reports", "--role", "read-only")
    environ = {entry["key"]: entry["value"] for entry in shown(addonkit_command)}
    with valkey.Valkey.from_url(environ["VALKEY_URL"]) as connection:
        connection.ping()
        kept = addonkit_command("rotate", "shop-valkey", "-a", "shop", "--grace", "0")
        assert "1 session of shop uses them; run `addonkit rotate shop-valkey --finish`" in kept.out
        told = addonkit_command("show", "shop-valkey").out
    assert "its former credentials still work" in told
    assert "attached to reports (read-only): " in told
    assert "former credentials are revoked" in addonkit_command("rotate", "shop-valkey", "--finish").out


def shown(command: CommandLine) -> list[dict[str, str]]:
    found: list[dict[str, str]] = command("env", "-a", "shop", "--reveal", "--json").data["variables"]
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_pool_that_reads_its_credentials_again_loses_no_transaction(home: Path) -> None:
    """Ten rotations under load: each client reconnects now and then, and tries again what was not acknowledged."""
    async with addonkit.open(home) as kit:
        shop = (await kit.create("postgresql:small", app="shop")).environ()
        async with log_in(shop) as connection:
            await connection.execute("CREATE TABLE done (client int, number int, PRIMARY KEY (client, number))")
        stop = asyncio.Event()
        clients = [asyncio.create_task(_insert_until(stop, kit, client)) for client in range(4)]
        for _ in range(10):
            rotated = await kit.rotations.rotate("shop-postgresql", grace=timedelta(seconds=60))
            assert rotated.kept == ()
        stop.set()
        acknowledged = await asyncio.gather(*clients)

        async with log_in(await environ_of(kit, "shop")) as connection:
            rows = await connection.fetch("SELECT client, count(*) AS count FROM done GROUP BY client ORDER BY client")
            logins = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname LIKE 'shop.%'")
        assert [row["count"] for row in rows] == acknowledged
        assert min(acknowledged) > 0
        assert [row["rolname"] for row in logins] == [(await environ_of(kit, "shop"))["PGUSER"]]


async def _insert_until(stop: asyncio.Event, kit: addonkit.Kit, client: int) -> int:
    """Insert numbers, each in a transaction of its own; how many were acknowledged."""
    number = 0
    while not stop.is_set():
        with suppress(*REFUSED):  # the credentials were read just before they changed
            async with log_in(await environ_of(kit, "shop")) as connection:
                for _ in range(20):  # then the pool opens another connection
                    async with connection.transaction():
                        await connection.execute("INSERT INTO done VALUES ($1, $2)", client, number)
                    number += 1
                    await asyncio.sleep(0.01)
    return number
