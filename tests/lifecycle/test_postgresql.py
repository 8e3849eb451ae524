"""What PostgreSQL alone promises, on real servers. What it has in common with others is in test_life."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

import addonkit
from addonkit import InstanceFailed
from addonkit.testing.home import left_behind
from addonkit_postgresql.extensions import TRUSTED
from system_postgresql import VERSION as OLD


@asynccontextmanager
async def log_in(environ: Mapping[str, str], **changes: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection by the discrete variables, with some of them changed."""
    keys = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "database": "PGDATABASE"}
    arguments = {name: environ[key] for name, key in keys.items()} | changes
    connection = await asyncpg.connect(**arguments, ssl=False, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.mark.all_day("small-18", "shared-15")
@pytest.mark.parametrize("version", ["18", OLD])
@pytest.mark.parametrize("variant", ["small", "shared"])
async def test_an_app_gets_a_database_of_its_own_and_no_more(kit: addonkit.Kit, variant: str, version: str) -> None:
    binding = await kit.create(f"postgresql:{variant}", app="shop", version=version)

    assert [v.key for v in binding.variables] == [
        "DATABASE_URL", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE", "PGREQUIREAUTH",
    ]  # fmt: skip
    assert {v.key for v in binding.variables if v.sensitive} == {"DATABASE_URL", "PGPASSWORD"}
    async with log_in(binding.environ()) as connection:
        await connection.execute("CREATE TABLE things (name text); INSERT INTO things VALUES ('kept')")
        assert str(await connection.fetchval("SHOW server_version")).startswith(version)
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        assert await connection.fetchval("SHOW full_page_writes") == "on"
        role = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = current_user")
        owner = await connection.fetchval(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        )
    assert not any(role[f"rol{word}"] for word in ("super", "createrole", "replication", "bypassrls"))
    assert role["rolcreatedb"] is (variant == "small"), "who is alone on a server may make databases, as for tests"
    assert owner == binding.environ()["PGDATABASE"]
    assert await ask(binding.url, "SELECT name FROM things") == "kept"


async def test_tenants_of_one_server_cannot_get_at_each_other(kit: addonkit.Kit) -> None:
    blog = (await kit.create("postgresql:shared", app="blog")).environ()
    wiki = (await kit.create("postgresql:shared", app="wiki")).environ()

    assert blog["PGPORT"] == wiki["PGPORT"]
    for foreign in (blog["PGDATABASE"], "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with log_in(wiki, database=foreign):
                pass
    with pytest.raises(asyncpg.InvalidPasswordError):
        async with log_in(blog, password=wiki["PGPASSWORD"]):
            pass


async def test_destroying_leaves_nothing(kit: addonkit.Kit, home: Path) -> None:
    for app, spec in (("shop", "postgresql"), ("blog", "postgresql:shared"), ("wiki", "postgresql:shared")):
        await kit.create(spec, app=app)
    wiki = (await kit.environment("wiki")).as_dict()["DATABASE_URL"]

    await kit.destroy("shop-postgresql")
    await kit.destroy("blog-postgresql")
    assert await ask(wiki, "SELECT count(*) FROM pg_database WHERE datname = 'blog'") == 0
    assert await ask(wiki, "SELECT count(*) FROM pg_roles WHERE rolname = 'blog'") == 0
    await kit.destroy("wiki-postgresql")

    assert left_behind(home) == ()
    assert await kit.instances() == ()
    assert await kit.doctor() == ()


NAMES = [
    "postgres", "template1", "pg-tools", "root", "my-app", "my_app", "My.App", "9lives", "x" * 100, "x" * 101,
    *(f"app-{n}" for n in range(10)),
]  # fmt: skip


@pytest.mark.slow
async def test_twenty_apps_come_at_once_and_go_at_once(kit: addonkit.Kit, home: Path) -> None:
    bindings = await asyncio.gather(*(kit.create("postgresql:shared", app=name) for name in NAMES))
    environs = [binding.environ() for binding in bindings]

    assert len({e["PGPORT"] for e in environs}) == 1, "they share one server"
    assert len({e["PGDATABASE"] for e in environs}) == len(NAMES), "no two meet in one database"
    assert {view.tenants for view in await kit.instances()} == {len(NAMES)}
    for number, environ in enumerate(environs):
        async with log_in(environ) as connection:
            await connection.execute(f"CREATE TABLE mine AS SELECT {number} AS n")
        stranger = environs[number - 1]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with log_in(environ, database=stranger["PGDATABASE"]):
                pass
    assert [await ask(b.url, "SELECT n FROM mine") for b in bindings] == list(range(len(NAMES)))

    await asyncio.gather(*(kit.destroy(binding.instance.name) for binding in bindings))

    assert left_behind(home) == ()
    assert await kit.instances() == ()


async def test_versions_live_side_by_side(kit: addonkit.Kit) -> None:
    new = await kit.create("postgresql:shared", app="blog", version="18")
    old = await kit.create("postgresql:shared", app="wiki", version=OLD)

    assert str(await ask(new.url, "SHOW server_version")).startswith("18")
    assert str(await ask(old.url, "SHOW server_version")).startswith(OLD)


async def test_a_server_that_does_not_start_shows_its_log_and_leaves_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from addonkit_postgresql import server

    monkeypatch.setattr(server, "_SETTINGS", (*server._SETTINGS, "shared_buffers=nonsense"))
    async with addonkit.open(home) as kit:
        with pytest.raises(InstanceFailed, match="nonsense"):
            await kit.create("postgresql", app="shop")

        (view,) = await kit.instances()
        assert view.instance.phase == "error"
        assert left_behind(home) == ()
        monkeypatch.undo()
        assert (await kit.retry("shop-postgresql")).instance.phase == "active"
        await kit.destroy("shop-postgresql")
    assert left_behind(home) == ()


async def test_the_only_app_of_a_server_may_create_harmless_extensions(kit: addonkit.Kit) -> None:
    shop = (await kit.create("postgresql:small", app="shop", version="18")).environ()
    blog = (await kit.create("postgresql:shared", app="blog", version="18")).environ()

    async with log_in(shop) as connection:
        for name in TRUSTED:
            await connection.execute(f"CREATE EXTENSION {name}")
        assert await connection.fetchval("SELECT '[1,2,3]'::vector <-> '[1,2,4]'") == 1
        for name in ("file_fdw", "dblink", "pg_surgery"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"CREATE EXTENSION {name}")
        assert await connection.fetchval("SELECT count(*) FROM pg_stat_statements") > 0
        await connection.execute("CREATE EXTENSION hstore")
        await connection.execute("CREATE DATABASE test_shop")
    async with log_in(shop, database="test_shop") as connection:
        await connection.execute("CREATE EXTENSION vector")
    async with log_in(blog) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE EXTENSION vector")
