"""Change and upgrade on real servers: apps find the same data in another place, or where they were."""

from __future__ import annotations

import asyncio
import platform
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import valkey.asyncio
import valkey.exceptions

import addonkit
from addonkit import AddonkitError, BackupError, InstanceFailed, InvalidInput, SagaFailed
from addonkit.controller.backups.sagas import BackupSagas
from addonkit.engine.failpoints import at
from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind
from system_postgresql import VERSION

EVERYTHING = """
    CREATE EXTENSION hstore;
    CREATE TABLE orders (id bigserial PRIMARY KEY, tags hstore, n numeric, at timestamptz DEFAULT now());
    INSERT INTO orders (tags, n) SELECT 'a=>1', g FROM generate_series(1, 1000) g;
    CREATE TABLE "Bücher 'x %" ("straße" text); INSERT INTO "Bücher 'x %" VALUES ('ä');
    CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS count FROM orders;
    SELECT lo_from_bytea(4711, decode(repeat('0102', 5000), 'hex'));
    ALTER ROLE CURRENT_USER SET statement_timeout = '7min';
"""


@pytest.fixture(autouse=True)
def backups_beside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ADDONKIT_BACKUPS", str(tmp_path / "backups"))


@asynccontextmanager
async def database(kit: addonkit.Kit, app: str = "shop", name: str = "DATABASE_URL") -> AsyncIterator[Any]:
    connection = await asyncpg.connect((await kit.environment(app)).values[name], timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


async def count(kit: addonkit.Kit, app: str = "shop", name: str = "DATABASE_URL") -> int:
    async with database(kit, app, name) as connection:
        found: int = await connection.fetchval("SELECT count(*) FROM orders")
        return found


async def states(kit: addonkit.Kit) -> dict[str, str]:
    return {each.instance.name: f"{each.instance.variant} {each.instance.purpose}" for each in await kit.instances()}


async def test_postgresql_moves_to_the_shared_server_and_back_with_all_its_apps(kit: addonkit.Kit) -> None:
    await kit.create("postgresql:shared", "first")
    await kit.create("postgresql:small", "shop", options={"work_mem": "8MB", "max_connections": "50"})
    await kit.attach("shop-postgresql", "first", alias="stock")
    async with database(kit) as connection:
        await connection.execute(EVERYTHING)
    before = (await kit.environment("shop")).values["DATABASE_URL"]
    idle = await asyncpg.connect(before)

    plan = await kit.changes.plan_change("shop-postgresql", "shared")
    assert "cannot write while its data move" in plan.summary
    assert [step.name for step in plan.steps][-1] == "switch_places"
    rehearsed = await kit.changes.rehearse_change("shop-postgresql", "shared")
    assert rehearsed.items > 1000
    assert [note for note in rehearsed.notes if "max_connections" in note] == [
        "option max_connections would have its default, as postgresql:shared does not offer the value"
    ]
    assert not [note for note in rehearsed.notes if "work_mem" in note]
    assert await idle.fetchval("SELECT count(*) FROM orders") == 1000, "a rehearsal ends no session"
    done = await kit.changes.change("shop-postgresql", "shared")

    assert done.former == "shop-postgresql-former"
    assert await states(kit) == {
        "first-postgresql": "shared serve",
        "shop-postgresql": "shared serve",
        "shop-postgresql-former": "small former",
    }
    assert await count(kit) == await count(kit, "first", "STOCK_DATABASE_URL") == 1000
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await idle.fetchval("SELECT 1")
    with pytest.raises(asyncpg.TooManyConnectionsError):
        await asyncpg.connect(before)
    async with database(kit) as connection:
        await connection.execute("INSERT INTO orders (n) VALUES (0)")
        assert await connection.fetchval("SELECT length(lo_get(4711))") == 10_000
        assert await connection.fetchval("SHOW statement_timeout") == "7min"
        assert await connection.fetchval("SHOW work_mem") == "8MB"

    await kit.backups.rollback("shop-postgresql")
    after = (await kit.environment("shop")).values["DATABASE_URL"]
    assert after.rpartition("@")[2] == before.rpartition("@")[2], "the same place, with new credentials"
    assert await count(kit) == await count(kit, "first", "STOCK_DATABASE_URL") == 1000
    async with database(kit) as connection:
        await connection.execute("DELETE FROM orders WHERE id = 1")
    await kit.backups.rollback("shop-postgresql")
    assert await count(kit) == 1001

    assert await kit.changes.confirm("shop-postgresql") == "shop-postgresql-former"
    assert "shop-postgresql-former" not in await states(kit)
    back = await kit.changes.change("shop-postgresql", "small")
    assert await count(kit) == await count(kit, "first", "STOCK_DATABASE_URL") == 1001
    assert await kit.changes.confirm("shop-postgresql") == back.former
    assert [each.kind for each in await kit.doctor()] == []


async def test_postgresql_upgrades_one_tenant_after_the_other(kit: addonkit.Kit) -> None:
    for app in ("shop", "blog"):
        await kit.create("postgresql:shared", app, version=VERSION)
        async with database(kit, app) as connection:
            await connection.execute(EVERYTHING)
    async with database(kit) as connection:
        await connection.execute("GRANT ALL ON orders TO PUBLIC; CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1")
        await connection.execute("CREATE EXTENSION btree_gist")

    async def version(app: str) -> str:
        async with database(kit, app) as connection:
            return str(await connection.fetchval("SHOW server_version")).partition(".")[0]

    rehearsed = await kit.changes.rehearse_upgrade("shop-postgresql")
    assert rehearsed.version == "18"
    assert rehearsed.items > 1000
    assert [each for each in rehearsed.notes if each.startswith("extension btree_gist would be ")]
    assert [each for each in rehearsed.notes if each.startswith("the default collation would be builtin C.UTF-8")]
    await kit.changes.upgrade("shop-postgresql", "18")
    assert (await version("shop"), await version("blog")) == ("18", VERSION)
    assert await count(kit) == await count(kit, "blog") == 1000
    await kit.backups.rollback("shop-postgresql")
    assert await version("shop") == VERSION
    await kit.backups.rollback("shop-postgresql")
    await kit.changes.upgrade("blog-postgresql")
    for app in ("shop", "blog"):
        await kit.changes.confirm(f"{app}-postgresql")
    servers = {each.server.id for each in await kit.instances() if each.server}
    assert len(servers) == 1, "both live on the new shared server, and the old one is gone"


async def test_an_upgrade_to_a_program_without_an_extension_ends_before_apps_notice_it(kit: addonkit.Kit) -> None:
    """Debian's server has pgcrypto, and the wheel with 18 has not."""
    await kit.create("postgresql:shared", "shop", version=VERSION)
    lacks = re.escape("the new place does not have extension pgcrypto")
    async with database(kit) as connection:
        await connection.execute("CREATE EXTENSION pgcrypto; CREATE TABLE orders (id uuid DEFAULT gen_random_uuid())")
        with pytest.raises(SagaFailed, match=lacks):
            await kit.changes.rehearse_upgrade("shop-postgresql", "18")
        with pytest.raises(SagaFailed, match=lacks):
            await kit.changes.upgrade("shop-postgresql", "18")
        await connection.execute("INSERT INTO orders DEFAULT VALUES")
        assert await connection.fetchval("SELECT count(*) FROM orders") == 1, "the session is the one from before"
    done = [each.saga for each in await kit.executions()]
    assert not [each for each in done if "freeze" in each or "backup" in each]
    assert await states(kit) == {"shop-postgresql": "shared serve"}


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the wheel with 17 is for this machine only")
async def test_a_server_of_its_own_upgrades_from_the_second_wheel(kit: addonkit.Kit) -> None:
    await kit.create("postgresql:small", "shop", version="17")
    async with database(kit) as connection:
        await connection.execute(EVERYTHING)

    await kit.changes.upgrade("shop-postgresql", "18")

    async with database(kit) as connection:
        assert str(await connection.fetchval("SHOW server_version")).startswith("18")
    assert await count(kit) == 1000
    await kit.backups.rollback("shop-postgresql")
    async with database(kit) as connection:
        assert str(await connection.fetchval("SHOW server_version")).startswith("17")


async def test_a_database_is_copied_within_its_server_unless_it_is_used(
    kit: addonkit.Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kit.create("postgresql:shared", "shop")
    async with database(kit) as connection:
        await connection.execute(EVERYTHING)
        await connection.execute("ALTER DATABASE shop SET search_path = public; GRANT SELECT ON orders TO PUBLIC")

    async def ran(saga: str) -> int:
        return sum(each.saga == saga for each in await kit.executions())

    await asyncio.sleep(0.5)  # the session that has just ended
    await kit.moves.clone("shop-postgresql", "quick")
    assert (await ran("postgresql.copy"), await ran("postgresql.backup")) == (1, 0)
    assert (await ran("postgresql.outline"), await ran("postgresql.fingerprint")) == (2, 0)
    async with database(kit, "quick") as connection:
        await connection.execute("DROP TABLE orders CASCADE; CREATE TABLE orders (id int)")
        assert await connection.fetchval("SELECT length(lo_get(4711))") == 10_000
        assert await connection.fetchval("SHOW search_path") == "public"
        assert await connection.fetchval("SHOW statement_timeout") == "7min"
    async with database(kit) as connection:
        await connection.execute("INSERT INTO orders (n) VALUES (1)")
        await kit.moves.clone("shop-postgresql", "slow")
        assert await connection.fetchval("SELECT count(*) FROM orders") == 1001, "no session ends for a copy"
    assert await ran("postgresql.backup") == 1
    assert await count(kit, "slow") == 1001

    async def write() -> None:
        async with database(kit) as connection:
            await connection.execute("INSERT INTO orders (n) VALUES (2)")

    await asyncio.sleep(0.5)
    with at("after:copy_within_server", write):
        await kit.moves.clone("shop-postgresql", "moment")
    assert (await ran("postgresql.copy"), await ran("postgresql.backup")) == (3, 1)
    assert await count(kit, "moment") == 1001, "the copy is of the moment before"
    await asyncio.sleep(0.5)
    with at("after:copy_within_server", write):
        await kit.moves.clone("shop-postgresql", "late", verify=True)
    assert (await ran("postgresql.copy"), await ran("postgresql.backup")) == (4, 2)
    assert await count(kit, "late") == 1003
    await asyncio.sleep(0.5)
    monkeypatch.setattr("addonkit_postgresql.copying._LARGE", 0)
    await kit.moves.clone("shop-postgresql", "large")
    assert (await ran("postgresql.copy"), await ran("postgresql.backup")) == (5, 2), "files are copied"
    assert await count(kit, "large") == 1003
    with pytest.raises(asyncpg.PostgresError):
        url = (await kit.environment("slow")).values["DATABASE_URL"]
        await asyncpg.connect(url, database="shop")
    assert [each.kind for each in await kit.doctor()] == []


async def test_what_cannot_be_moved_is_refused_before_anything_happens(
    kit: addonkit.Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kit.create("postgresql:shared", "shop")
    await kit.create("valkey:cache", "shop")
    executions = await kit.executions()
    with pytest.raises(InvalidInput, match="it is postgresql:shared already"):
        await kit.changes.change("shop-postgresql", "shared")
    with pytest.raises(AddonkitError, match="unknown variant"):
        await kit.changes.change("shop-postgresql", "huge")
    with pytest.raises(BackupError, match="is a cache"):
        await kit.changes.change("shop-valkey", "small")
    with pytest.raises(BackupError, match="it has no former place"):
        await kit.changes.confirm("shop-postgresql")
    with pytest.raises(InvalidInput, match="it has version 18 already"):
        await kit.changes.upgrade("shop-postgresql")
    with pytest.raises(InvalidInput, match=f"{VERSION} is older than 18"):
        await kit.changes.upgrade("shop-postgresql", VERSION)
    monkeypatch.setattr("addonkit.controller.backups.fit._SIZE", __import__("re").compile(r"(1)(G)i"))
    monkeypatch.setattr("addonkit.controller.backups.fit._POWERS", {"g": 0})
    with pytest.raises(BackupError, match=r"it holds [\d.]+ MiB, and small has 1 bytes \(storage\)"):
        await kit.changes.change("shop-postgresql", "small")
    assert [each for each in await kit.executions() if each not in executions and "usage" not in each.saga] == []


async def test_valkey_moves_and_writes_are_refused_meanwhile(kit: addonkit.Kit) -> None:
    shop = (await kit.create("valkey:small", "shop")).environ()
    client = valkey.asyncio.Valkey.from_url(shop["VALKEY_URL"])
    await client.mset({f"key{n}": n for n in range(1000)})
    await client.set("short", 1, ex=1)

    async def write() -> None:
        assert await client.get("key1") == b"1"
        for refused in (("SET", "key1", "2"), ("FLUSHALL",), ("EVAL", "return redis.call('DEL', 'key1')", "0")):
            with pytest.raises(valkey.exceptions.ValkeyError):
                await client.execute_command(*refused)

    async def meddle() -> None:
        await write()
        for asked in (
            kit.changes.change("shop-valkey", "shared"),
            kit.attach("shop-valkey", "blog"),
            kit.rotations.rotate("shop-valkey"),
            kit.retry("shop-valkey"),
        ):
            with pytest.raises(AddonkitError, match="its data are being moved"):
                await asked
        assert len(await kit.apps()) == 1

    with at("before:copy_data", meddle):
        await kit.changes.change("shop-valkey", "shared")
    await write()
    moved = (await kit.environment("shop")).values
    async with valkey.asyncio.Valkey.from_url(moved["VALKEY_URL"]) as other:
        assert await other.get(f"{moved['VALKEY_PREFIX']}key999") == b"999"
        await other.set(f"{moved['VALKEY_PREFIX']}more", 1)

    await kit.changes.change("shop-valkey", "small")
    again = (await kit.environment("shop")).values
    assert "VALKEY_PREFIX" not in again
    async with valkey.asyncio.Valkey.from_url(again["VALKEY_URL"]) as other:
        assert await other.get("more") == b"1"
    await kit.backups.rollback("shop-valkey")
    assert "VALKEY_PREFIX" in (await kit.environment("shop")).values
    await client.aclose()


@pytest.mark.slow
async def test_of_two_moves_at_once_one_is_undone_and_the_next_one_gives_credentials(kit: addonkit.Kit) -> None:
    await kit.create("valkey:small", "shop")
    done: list[str] = []

    async def overtake() -> None:
        if not done:
            done.append("begun")
            await kit.changes.change("shop-valkey", "shared")

    with at("before:freeze_source", overtake), pytest.raises(SagaFailed, match="its data are being moved"):
        await kit.changes.change("shop-valkey", "shared")
    expected = {"shop-valkey": "shared serve", "shop-valkey-former": "small former"}
    assert await states(kit) == expected

    backup = await kit.backups.create("shop-valkey")

    async def restore() -> None:
        with pytest.raises(AddonkitError, match="its data are being moved"):
            await kit.backups.restore("shop-valkey", backup=backup.name)
        raise ValueError("on purpose")

    with at("before:switch_places", restore), pytest.raises(SagaFailed, match="on purpose"):
        await kit.changes.change("shop-valkey", "small")
    assert await states(kit) == expected

    done.clear()

    async def restore_first() -> None:
        if not done:
            done.append("begun")
            await kit.backups.restore("shop-valkey", backup=backup.name)

    with at("before:switch_places", restore_first), pytest.raises(SagaFailed, match="has taken its place meanwhile"):
        await kit.backups.restore("shop-valkey", backup=backup.name)
    assert sorted((await states(kit)).values()) == ["shared former", "shared serve", "small former"]

    def fail() -> None:
        raise ValueError("on purpose")

    with (
        at("before:generate_login_password", fail),
        pytest.raises(InstanceFailed, match="has no credentials for them: .*on purpose"),
    ):
        await kit.backups.restore("shop-valkey", backup=backup.name)
    await kit.retry("shop-valkey")
    moved = (await kit.environment("shop")).values
    async with valkey.asyncio.Valkey.from_url(moved["VALKEY_URL"]) as client:
        await client.set(f"{moved['VALKEY_PREFIX']}key", 1)


@pytest.mark.slow
async def test_a_move_that_fails_lets_apps_write_again(kit: addonkit.Kit) -> None:
    await kit.create("postgresql:small", "shop")
    async with database(kit) as connection:
        await connection.execute("CREATE TABLE orders AS SELECT 1 AS id")

    def fail() -> None:
        raise ValueError("on purpose")

    before = (await kit.environment("shop")).values
    for step in ("copy_data", "compare_places", "switch_places"):
        with at(f"before:{step}", fail), pytest.raises(SagaFailed, match="on purpose"):
            await kit.changes.change("shop-postgresql", "shared")
        async with database(kit) as connection:
            await connection.execute("INSERT INTO orders VALUES (1)")
        assert (await kit.environment("shop")).values == before
        assert await states(kit) == {"shop-postgresql": "small serve"}


def one_quick(points: list[str]) -> list[Any]:
    return [pytest.param(point, marks=[] if "after:copy_data" in point else [pytest.mark.slow]) for point in points]


def _points() -> list[str]:
    made = BackupSagas(*[None] * 6)  # type: ignore[list-item] # only the names of the steps are read
    return [
        f"{command} {when}:{step}"
        for command, saga in (("change", made.change), ("rollback", made.rollback))
        for step in saga.step_names
        for when in ("before", "after")
    ]


@pytest.mark.parametrize("point", one_quick(_points()))
def test_killed_at_any_step_apps_have_the_old_or_the_new_place_and_can_write(
    addonkit_command: CommandLine, home: Path, point: str
) -> None:
    verb, fault = point.split()
    run = addonkit_command

    def psql(sql: str) -> str:
        done = run("run", "-a", "shop", "--", "psql", "-Atc", sql)
        assert done.status == 0, done.err
        return str(done.out.strip())

    assert run("create", "postgresql:small", "-a", "shop").status == 0
    psql("CREATE TABLE orders AS SELECT 1 AS id")
    if verb == "rollback":
        assert run("change", "shop-postgresql", "shared").status == 0
        psql("INSERT INTO orders VALUES (2)")
    rows = psql("SELECT count(*) FROM orders")

    words = ("change", "shop-postgresql", "shared") if verb == "change" else ("rollback", "shop-postgresql")
    killed = run(*words, ADDONKIT_FAULT=f"{fault}=kill")
    assert killed.status == -signal.SIGKILL, killed.err
    moved = fault == "after:switch_places"
    psql("INSERT INTO orders VALUES (3)")
    assert psql("SELECT count(*) FROM orders") == str(int("1" if verb == "rollback" and moved else rows) + 1)
    on_shared = psql("SHOW max_connections") == "403"
    assert on_shared == ((verb == "change") == moved)

    fixed = run("doctor", "--fix")
    assert run("saga", "list", "--unfinished", "--json").data["executions"] == [], fixed.out + fixed.err
    purposes = sorted(each["purpose"] for each in run("list", "--json").data["instances"])
    assert purposes == (["former", "serve"] if moved or verb == "rollback" else ["serve"])
    if verb == "change" and not moved:
        assert run(*words).status == 0
    assert run("rollback", "shop-postgresql").status == 0
    psql("INSERT INTO orders VALUES (4)")
    assert run("destroy", "--app", "shop", "--yes").status == 0
    assert left_behind(home) == ()


async def test_a_program_is_not_started_while_its_data_move(kit: addonkit.Kit, home: Path) -> None:
    await kit.create("valkey:small", "shop")

    async def look() -> None:
        shown = await asyncio.to_thread(CommandLine(home), "run", "-a", "shop", "--", "true")
        assert "shop-valkey does not run (its data are being moved; try again when that has ended)" in shown.err
        assert "shop-valkey" in (await asyncio.to_thread(CommandLine(home), "list")).out

    with at("before:copy_data", look):
        await kit.changes.change("shop-valkey", "shared")
