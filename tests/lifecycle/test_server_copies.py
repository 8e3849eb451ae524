"""A server of its own is copied as a whole into another one: all data arrive, and no login of the source fits there."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import addonkit
from addonkit.engine.failpoints import at
from addonkit.models.compute import Pool
from addonkit.models.execution import Event, EventKind
from addonkit.models.instance import Server
from addonkit.provider.server_addon import remarks
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.provider.server_addon.declaration import admin_password
from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind
from addonkit_postgresql.tenants import administrator

DATA = """
    CREATE EXTENSION hstore;
    CREATE TABLE orders (id bigserial PRIMARY KEY, tags hstore, mail text, cents int GENERATED ALWAYS AS (1 + 1) STORED);
    INSERT INTO orders (tags, mail) SELECT 'a=>1', 'anna@example.com' FROM generate_series(1, 1000);
    CREATE TABLE "Bücher 'x %" ("straße" text, UNIQUE ("straße")); INSERT INTO "Bücher 'x %" VALUES ('ä'), (NULL);
    ALTER TABLE "Bücher 'x %" ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON "Bücher 'x %" TO CURRENT_USER USING (true);
    CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS count FROM orders;
    SELECT nextval('orders_id_seq'), lo_from_bytea(4711, decode(repeat('0102', 5000), 'hex'));
    ALTER ROLE CURRENT_USER SET statement_timeout = '7min';
    ALTER DATABASE shop SET search_path = public;
    CREATE TABLE emptied AS SELECT 'berta@example.com' AS mail FROM generate_series(1, 1000);
    GRANT SELECT ON orders TO PUBLIC;
    ANALYZE
"""

OF_THE_OPERATOR = (
    "ALTER SYSTEM SET archive_command = 'cp %p /archive'",
    "ALTER DATABASE shop CONNECTION LIMIT 7 IS_TEMPLATE true",
    "ALTER DATABASE shop SET temp_file_limit = '1GB'",
    "ALTER DATABASE shop SET default_transaction_read_only = on",
)

LOOK = """
    SELECT (SELECT count(*) FROM orders), (SELECT last_value FROM orders_id_seq), (SELECT count FROM counted),
      (SELECT count(*) FROM "Bücher 'x %"), length(lo_get(4711)), current_setting('statement_timeout'),
      (SELECT count(*) FROM pg_policy WHERE polroles[1]::regrole::text = current_user),
      (SELECT count(*) FROM pg_class WHERE relowner::regrole::text = current_user AND relname = 'orders')
"""

WHOLE = (1000, 1001, 1000, 2, 10_000, "7min", 1, 1)


async def connect(environ: Mapping[str, str], **other: Any) -> asyncpg.Connection:
    return await asyncpg.connect(environ["DATABASE_URL"], timeout=10, **other)


async def ran(kit: addonkit.Kit) -> Counter[str]:
    return Counter(each.saga.removeprefix("postgresql.") for each in await kit.executions())


async def servers(kit: addonkit.Kit) -> dict[str, tuple[Server, int]]:
    """Records and ports of all servers."""
    ports = {each.name: next(iter(each.value.ports.values())) for each in await kit._store.list(Pool)}
    return {each.value.id: (each.value, ports[each.value.id]) for each in await kit._store.list(Server)}


@asynccontextmanager
async def superuser(kit: addonkit.Kit, server: str) -> AsyncIterator[asyncpg.Connection]:
    async with administrator(await admin_access(kit.framework, server)).session() as connection:
        yield connection


@asynccontextmanager
async def intruding(port: int, logins: Mapping[str, tuple[str, str]]) -> AsyncIterator[Counter[str]]:
    """Try logins all the while, and count what becomes of them: roles to passwords and databases."""
    seen: Counter[str] = Counter()

    async def intrude() -> None:
        while True:
            for user, (password, database) in logins.items():
                try:
                    connection = await asyncpg.connect(
                        host="127.0.0.1", port=port, user=user, password=password, database=database, timeout=5
                    )
                    await connection.close()
                    seen["in"] += 1
                except asyncpg.PostgresError as error:
                    seen[type(error).__name__] += 1
                except (OSError, asyncpg.InterfaceError):
                    seen["down"] += 1
            await asyncio.sleep(0.002)

    task = asyncio.create_task(intrude())
    try:
        yield seen
        await asyncio.sleep(0.1)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def expect_alone(inside: asyncpg.Connection, copy: Mapping[str, str]) -> None:
    """See that a copy has nothing but the app's own database, and no login of the source."""
    databases = [row[0] for row in await inside.fetch("SELECT datname FROM pg_database ORDER BY 1")]
    assert databases == sorted([copy["PGDATABASE"], "postgres", "template0", "template1"])
    roles = {row[0] for row in await inside.fetch("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'")}
    assert roles - {"addonkit_readers", "addonkit_writers"} == {"postgres", copy["PGUSER"], copy["PGDATABASE"]}
    closed = "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname NOT IN ('postgres', $1)"
    assert await inside.fetchval(closed, copy["PGUSER"]) == 0
    own = await connect(copy, database="postgres")
    assert await own.fetchval("SELECT count(*) FROM pg_largeobject_metadata") == 0, "a place for an app's leavings"
    assert not await own.fetchval("SELECT has_database_privilege('public', 'postgres', 'CONNECT, TEMPORARY')")
    await own.close()
    limits = "SELECT datconnlimit, datistemplate FROM pg_database WHERE datname = $1"
    assert tuple(await inside.fetchrow(limits, copy["PGDATABASE"])) == (-1, False)
    assert await inside.fetchval("SHOW temp_file_limit") == "-1"
    assert await inside.fetchval("SHOW default_transaction_read_only") == "off"


async def test_a_server_of_its_own_is_copied_as_a_whole(kit: addonkit.Kit) -> None:
    shop = (await kit.create("postgresql:small", app="shop", options={"work_mem": "8MB"})).environ()
    await kit.attach("shop-postgresql", "reader", role="read-only")
    reader = (await kit.environment("reader")).values
    used = await connect(shop)
    await used.execute(DATA)
    await used.execute("CREATE DATABASE shop_test")
    own = await connect(shop, database="postgres")
    await own.execute("SELECT lo_from_bytea(4712, 'secret')")
    await own.close()
    (source, (record, _port)), *_ = (await servers(kit)).items()
    async with superuser(kit, source) as session:
        for statement in OF_THE_OPERATOR:
            await session.execute(statement)
    logins = {
        "postgres": (admin_password(record).reveal(), "postgres"),
        **{each["PGUSER"]: (each["PGPASSWORD"], "shop") for each in (shop, reader)},
    }
    tries: list[Any] = []

    async def begin() -> None:
        (port,) = [port for id, (_server, port) in (await servers(kit)).items() if id != source]
        tries.append(intruding(port, logins))
        tries.append(await tries[0].__aenter__())

    with at("before:copy_within_server", begin):
        await kit.moves.clone("shop-postgresql", "copy")
    await tries[0].__aexit__(None, None, None)

    done = await ran(kit)
    assert (done["copy"], done["backup"], done["outline"], done["fingerprint"]) == (1, 0, 2, 0)
    assert tries[1]["in"] == 0, tries[1]
    assert tries[1]["InvalidPasswordError"] > 0, "the copy refused them while it ran"
    assert await used.fetchval("SELECT count(*) FROM orders") == 1000, "no session of the source ends"
    copy = (await kit.environment("copy")).values
    assert copy["PGPASSWORD"] != shop["PGPASSWORD"]
    inside = await connect(copy)
    assert tuple(await inside.fetchrow(LOOK)) == WHOLE
    assert await inside.fetchval("SHOW work_mem") == "8MB"
    assert await inside.fetchval("SELECT current_database() = current_user AND current_user <> 'shop'")
    await expect_alone(inside, copy)
    (target,) = set(await servers(kit)) - {source}
    async with superuser(kit, target) as session:
        found = await session.fetchval("SELECT setting FROM pg_file_settings WHERE name = 'archive_command'")
        assert found is None, "the copy has settings of its own"
    await inside.execute("DROP TABLE orders CASCADE")
    await inside.execute("CREATE DATABASE copy_test")
    await inside.close()
    await used.execute("INSERT INTO orders (mail) VALUES ('berta@example.com')")
    assert await used.fetchval(LOOK) == 1001

    await kit.destroy("shop-postgresql", now=True)
    await kit.moves.clone("copy-postgresql", "second")
    second = await connect((await kit.environment("second")).values)
    assert await second.fetchval('SELECT count(*) FROM "Bücher \'x %"') == 2
    await second.close()
    assert (await ran(kit))["backup"] == 0
    assert [each.kind for each in await kit.doctor()] == []


@pytest.mark.slow
async def test_what_a_script_masks_is_in_no_statistics(kit: addonkit.Kit) -> None:
    shop = (await kit.create("postgresql:small", app="shop", version="17")).environ()
    used = await connect(shop)
    await used.execute(DATA)
    script = "UPDATE orders SET mail = 'masked'; DELETE FROM emptied"
    await kit.moves.clone("shop-postgresql", "copy", script=script)
    assert (await ran(kit))["backup"] == 0
    inside = await connect((await kit.environment("copy")).values)
    assert await inside.fetchval("SELECT count(*) FROM orders WHERE mail = 'masked'") == 1000
    statistics = "SELECT most_common_vals::text FROM pg_stats WHERE tablename = 'orders' AND attname = 'mail'"
    assert await used.fetchval(statistics) == "{anna@example.com}"
    assert await inside.fetchval(statistics) == "{masked}"
    assert await inside.fetchval("SELECT count(*) FROM pg_stats WHERE tablename = 'emptied'") == 0
    await inside.close()
    await used.close()


@pytest.mark.slow
async def test_a_copy_that_takes_long_says_how_far_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remarks, "_INTERVAL", 0.01)
    events: list[Event] = []
    async with addonkit.open(home, environ={}, on_event=events.append) as kit:
        await kit.create("postgresql:small", app="shop")
        await kit.moves.clone("shop-postgresql", "copy")

    told = [each.message for each in events if each.step == "copy_within_server" and each.kind is EventKind.PROGRESS]
    assert told, "nothing says how far the copy is"
    assert all(each.endswith("are on its disk") for each in told), told


@pytest.mark.slow
async def test_what_cannot_be_copied_as_a_whole_goes_through_a_dump(
    kit: addonkit.Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = (await kit.create("postgresql:small", app="shop")).environ()
    used = await connect(shop)

    async def clone(app: str, dumps: int, rows: int = 1, *, verify: bool = False) -> None:
        await kit.moves.clone("shop-postgresql", app, verify=verify)
        done = await ran(kit)
        assert (done["copy"], done["backup"]) == (dumps, dumps)
        copy = await connect((await kit.environment(app)).values)
        assert await copy.fetchval("SELECT count(*) FROM quick") == rows
        await copy.close()

    async def write() -> None:
        await used.execute("INSERT INTO quick VALUES (2)")

    await used.execute("CREATE UNLOGGED TABLE quick AS SELECT 1 AS n")
    await clone("unlogged", 1)
    await used.execute("ALTER TABLE quick SET LOGGED")
    with monkeypatch.context() as full:
        full.setattr("addonkit_postgresql.server_copy._SPARE_KB", 10**12)
        await clone("full", 2)
    with monkeypatch.context() as broken:
        broken.setattr("addonkit_postgresql.server_copy._LOCK", "SELECT 1 / 0;")
        await clone("broken", 3)
    with at("after:copy_within_server", write):
        await clone("late", 4, rows=2, verify=True)
    await used.close()
    assert [each.kind for each in await kit.doctor()] == []
    assert not list(Path(kit.home).glob("disks/*/data/addonkit.copy.*"))


BEGUN = {"copying": "base/*", "locking": "postmaster.pid"}
"""What is there in the folder beside the data."""


@pytest.mark.slow
@pytest.mark.parametrize("when", ["locking", "copying", "copied"])
def test_killed_while_a_server_is_copied_nothing_half_stays(
    addonkit_command: CommandLine, home: Path, when: str
) -> None:
    def psql(app: str, query: str) -> str:
        ended = addonkit_command("run", "-a", app, "--", "psql", "-XAtc", query)
        assert ended.status == 0, ended.err
        return str(ended.out.strip())

    assert addonkit_command("create", "postgresql:small", "-a", "shop").status == 0
    psql("shop", "CREATE TABLE orders AS SELECT n, repeat('x', 500) FROM generate_series(1, 100000) n")
    clone = ("clone", "shop-postgresql", "-a", "copy")
    if when in BEGUN:
        with addonkit_command.start(*clone) as process:
            while not list(home.glob(f"disks/*/data/addonkit.copy.*/{BEGUN[when]}")) and process.poll() is None:
                pass
            process.kill()
    else:
        killed = addonkit_command(*clone, ADDONKIT_FAULT="after:copy_within_server=kill")
        assert killed.status == -signal.SIGKILL, killed.err

    assert psql("shop", "SELECT count(*) FROM orders") == "100000"
    fixed = addonkit_command("doctor", "--fix", "--yes")
    assert addonkit_command("saga", "list", "--unfinished", "--json").data["executions"] == [], fixed.out + fixed.err
    again = addonkit_command(*clone)
    assert again.status == 0 or "already" in again.err or "has that name" in again.err, again.err
    assert psql("copy", "SELECT count(*) FROM orders") == "100000"
    assert list(home.glob("disks/*/data/addonkit.copy.*")) == []
    for app in ("shop", "copy"):
        assert addonkit_command("destroy", "--app", app, "--yes", "--now").status == 0
    assert left_behind(home) == ()
