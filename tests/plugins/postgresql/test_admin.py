"""What is done inside real servers, of each version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import attrs
import pytest

from addonkit import AlreadyExists, Conflict, Login, Secret, Tenant
from addonkit_postgresql import admin, grants, logins, session
from addonkit_postgresql.naming import SPARE
from addonkit_postgresql.removal import remove
from addonkit_postgresql.session import Administrator, execute, execute_all
from older_tenants import create_tenant

PASSWORD = Secret.generate()


@asynccontextmanager
async def log_in(
    server: Administrator, user: str, database: str = "", password: Secret = PASSWORD
) -> AsyncIterator[asyncpg.Connection]:
    """A connection as an app has it."""
    address = server.address
    connection = await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=user,
        password=password.reveal(),
        database=database or user,
        ssl=False,
    )
    try:
        yield connection
    finally:
        await connection.close()


async def give(server: Administrator, name: str, owner: str = "") -> None:
    """A role and its database, as provisioning makes them."""
    await create_tenant(server, name, PASSWORD, owner or name, 50)


async def take(server: Administrator, name: str) -> None:
    """Remove both, as deprovisioning does."""
    await remove(server, name, name)


async def ask(server: Administrator, query: str, *values: object) -> object:
    async with server.session() as connection:
        return await connection.fetchval(query, *values)


async def is_there(server: Administrator, name: str) -> tuple[bool, bool]:
    """Whether there are a database and a role of that name."""
    database = await ask(server, "SELECT count(*) FROM pg_database WHERE datname = $1", name)
    role = await ask(server, "SELECT count(*) FROM pg_roles WHERE rolname = $1", name)
    return bool(database), bool(role)


async def test_a_role_may_log_in_and_nothing_else(server: Administrator, name: str) -> None:
    await give(server, name)

    async with log_in(server, name) as connection:
        role = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = current_user")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE ROLE more")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE DATABASE more")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("COPY (SELECT 1) TO PROGRAM 'cat'")
    rights = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")
    assert [role[right] for right in rights] == [False] * len(rights)
    assert role["rolconnlimit"] == 50


async def test_its_database_is_its_own_with_schema_public_and_temporary_tables(
    server: Administrator, name: str
) -> None:
    await give(server, name)

    async with log_in(server, name) as connection:
        await connection.execute("CREATE TABLE kept (n int); CREATE TEMPORARY TABLE passing (n int)")
        await connection.execute("CREATE SCHEMA more; CREATE EXTENSION hstore")
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        assert await connection.fetchval("SELECT upper('straße, ñandú')") in {"STRASSE, ÑANDÚ", "STRAßE, ÑANDÚ"}


async def test_nobody_else_gets_in_and_it_gets_in_nowhere_else(server: Administrator, name: str) -> None:
    await give(server, name)
    await give(server, f"{name}_neighbour")

    for foreign in (f"{name}_neighbour", "postgres", "template1", "template0"):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ObjectNotInPrerequisiteStateError)):
            async with log_in(server, name, foreign):
                pass
    assert await ask(server, "SELECT has_database_privilege('public', $1, 'CONNECT, TEMPORARY, CREATE')", name) is False


async def test_nobody_gets_in_while_the_database_is_being_made(
    server: Administrator, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await give(server, f"{name}_neighbour")
    await give(server, name)
    async with server.session() as connection:
        await execute(connection, "DROP DATABASE %I", name)
    refused = []

    def knocking_after(run: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def knock_after(*statements: Any) -> None:
            await run(*statements)
            with pytest.raises((asyncpg.ObjectNotInPrerequisiteStateError, asyncpg.InsufficientPrivilegeError)):
                async with log_in(server, f"{name}_neighbour", name):
                    pass
            refused.append(statements)

        return knock_after

    monkeypatch.setattr(admin, "execute", knocking_after(execute))
    monkeypatch.setattr(admin, "execute_all", knocking_after(execute_all))
    await admin.create_database(server, name, name, name)

    assert len(refused) == 2


async def test_one_of_several_apps_gets_the_spare_database_of_a_new_server(server: Administrator, name: str) -> None:
    if SPARE not in await databases(server):
        async with server.session() as connection:
            await connection.execute(f"CREATE DATABASE {SPARE} TEMPLATE template0 ALLOW_CONNECTIONS false")
    apps = [f"{name}_{number}" for number in range(4)]
    await asyncio.gather(*(create_tenant(server, app, PASSWORD, app, 50) for app in apps))
    assert SPARE not in await databases(server)
    for app in apps:
        async with log_in(server, app) as connection:
            await connection.execute("CREATE TABLE public.kept (n int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with log_in(server, app, next(each for each in apps if each != app)):
                pass
    for app in apps:
        await take(server, app)


async def databases(server: Administrator) -> set[str]:
    async with server.session() as connection:
        return {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}


async def test_everything_twice_is_as_once(server: Administrator, name: str) -> None:
    for _ in range(2):
        await give(server, name)
        async with log_in(server, name) as connection:
            await connection.execute("CREATE TABLE IF NOT EXISTS kept (n int); INSERT INTO kept VALUES (1)")
            seen = await connection.fetchval("SELECT count(*) FROM kept")
    assert seen == 2, "the data was kept"

    for _ in range(2):
        await take(server, name)
        assert await is_there(server, name) == (False, False)


async def test_creating_a_role_again_sets_the_same_password_again(server: Administrator, name: str) -> None:
    await give(server, name)
    async with log_in(server, name) as connection:
        await connection.execute(f"ALTER ROLE {name} PASSWORD 'forgotten'")

    await create_tenant(server, name, PASSWORD, name, 50)

    async with log_in(server, name):
        pass


async def test_what_is_not_ours_is_never_touched(server: Administrator, name: str) -> None:
    async with server.session() as connection:
        await execute(connection, "CREATE ROLE %I LOGIN", name)
        await execute(connection, "CREATE DATABASE %I OWNER %I", name, name)

    with pytest.raises(AlreadyExists, match="not this instance's"):
        await create_tenant(server, name, PASSWORD, name, 50)
    with pytest.raises(AlreadyExists, match="not this instance's"):
        await admin.create_database(server, name, name, name)
    await take(server, name)
    with pytest.raises(Conflict, match="no instance made it"):
        await admin.drop_claim(server, name)

    assert await is_there(server, name) == (True, True)
    assert name not in await admin.list_claims(server)


async def test_what_is_another_instances_is_never_touched(server: Administrator, name: str) -> None:
    await give(server, name, owner="somebody")

    with pytest.raises(AlreadyExists):
        await create_tenant(server, name, PASSWORD, name, 50)
    await take(server, name)

    assert await is_there(server, name) == (True, True)
    async with log_in(server, name):
        pass


@pytest.mark.parametrize("claim", ["postgres", "pg_monitor", "pg_database_owner"])
async def test_the_systems_own_are_neither_listed_nor_dropped(server: Administrator, claim: str) -> None:
    assert claim not in await admin.list_claims(server)
    with pytest.raises(Conflict):
        await admin.drop_claim(server, claim)


async def test_a_claim_is_listed_and_dropped_with_its_data(server: Administrator, name: str) -> None:
    await give(server, name)
    assert name in await admin.list_claims(server)

    for _ in range(2):
        await admin.drop_claim(server, name)

    assert await is_there(server, name) == (False, False)
    assert name not in await admin.list_claims(server)


async def test_a_database_is_dropped_under_the_feet_of_its_app(server: Administrator, name: str) -> None:
    await give(server, name)
    async with log_in(server, name) as connection:
        await take(server, name)
        with pytest.raises((asyncpg.AdminShutdownError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)):
            await connection.fetchval("SELECT 1")

    assert await is_there(server, name) == (False, False)


async def test_an_app_that_keeps_coming_back_does_not_hold_its_database(server: Administrator, name: str) -> None:
    await give(server, name)

    async def come_back() -> None:
        while True:
            try:
                async with log_in(server, name) as connection:
                    await connection.fetchval("SELECT 1")
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await asyncio.sleep(0)

    apps = [asyncio.create_task(come_back()) for _ in range(4)]
    try:
        await take(server, name)
    finally:
        for app in apps:
            app.cancel()
        await asyncio.gather(*apps, return_exceptions=True)

    assert await is_there(server, name) == (False, False)


async def test_what_neighbours_granted_to_a_role_does_not_hold_it(server: Administrator, name: str) -> None:
    neighbour = f"{name}_neighbour"
    await give(server, name)
    await give(server, neighbour)
    async with log_in(server, neighbour) as connection:
        await connection.execute(f"CREATE TABLE lent (n int); GRANT SELECT ON lent TO {name}")
        await connection.execute(
            f"CREATE POLICY guest ON lent TO {name}; GRANT CONNECT ON DATABASE {neighbour} TO {name}"
        )

    await take(server, name)

    assert await is_there(server, name) == (False, False)
    async with log_in(server, neighbour) as connection:
        assert await connection.fetchval("SELECT count(*) FROM lent") == 0, "the neighbour's table is still there"


async def test_a_neighbour_cannot_make_the_superuser_call_its_functions(server: Administrator, name: str) -> None:
    neighbour = f"{name}_neighbour"
    await give(server, name)
    await give(server, neighbour)
    async with log_in(server, neighbour) as connection:
        await connection.execute(
            f"CREATE TABLE lent (n int); GRANT SELECT ON lent TO {name};"
            "CREATE FUNCTION format(text, text) RETURNS text LANGUAGE sql"
            f" AS 'ALTER ROLE {neighbour} SUPERUSER; SELECT ''x''';"
            f"ALTER DATABASE {neighbour} SET search_path = public, pg_catalog;"
            f"ALTER DATABASE {neighbour} SET default_transaction_read_only = on;"
            f"ALTER DATABASE {neighbour} SET statement_timeout = 1"
        )
    async with server.session(neighbour) as connection:
        assert await connection.fetchval("SHOW search_path") == "pg_catalog"
        assert await connection.fetchval("SHOW default_transaction_read_only") == "off"
        assert await connection.fetchval("SHOW statement_timeout") == "0"

    await take(server, name)

    assert await is_there(server, name) == (False, False)
    assert await ask(server, "SELECT rolsuper FROM pg_roles WHERE rolname = $1", neighbour) is False


async def test_a_database_left_broken_by_an_interrupted_statement_is_made_anew(
    server: Administrator, name: str
) -> None:
    await give(server, name)
    await ask(server, "UPDATE pg_database SET datconnlimit = -2 WHERE datname = $1 RETURNING 1", name)

    await create_tenant(server, name, PASSWORD, name, 50)

    async with log_in(server, name) as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_database_interrupted_before_its_doors_were_set_is_finished(server: Administrator, name: str) -> None:
    await give(server, name)
    async with server.session() as connection:
        await execute(connection, "DROP DATABASE %I", name)
        await execute(connection, "CREATE DATABASE %I OWNER %I ALLOW_CONNECTIONS false", name, name)

    await create_tenant(server, name, PASSWORD, name, 50)

    async with log_in(server, name) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    assert await ask(server, "SELECT has_database_privilege('public', $1, 'CONNECT')", name) is False


async def test_schema_public_is_taken_from_everybody_on_servers_that_give_it(server: Administrator, name: str) -> None:
    await give(server, name)
    async with server.session(name) as connection:
        await connection.execute("ALTER SCHEMA public OWNER TO postgres; GRANT CREATE ON SCHEMA public TO PUBLIC")

    await admin.own_schema(server, name, name)

    async with log_in(server, name) as connection:
        await connection.execute("CREATE TABLE mine (n int)")
        assert await connection.fetchval("SELECT has_schema_privilege('public', 'public', 'CREATE')") is False


async def test_many_at_once(server: Administrator, name: str) -> None:
    async with server.session() as connection:
        for database in ("postgres", "template1"):
            await execute(connection, "GRANT CONNECT ON DATABASE %I TO PUBLIC", database)
    names = [f"{name}_{number}" for number in range(8)]

    await asyncio.gather(*(give(server, each) for each in names))
    assert set(names) <= set(await admin.list_claims(server))
    assert await ask(server, "SELECT has_database_privilege('public', 'postgres', 'CONNECT')") is False
    await asyncio.gather(*(take(server, each) for each in names))

    assert not set(names) & set(await admin.list_claims(server))


async def test_roles_of_a_server_are_made_by_one_session_at_a_time(server: Administrator) -> None:
    async with server.session() as first, server.session() as second, first.transaction():
        await first.execute("SELECT pg_advisory_xact_lock($1)", grants._ROLES_LOCK)
        making = asyncio.create_task(grants.make_roles(second))
        while not await ask(server, "SELECT cardinality(pg_blocking_pids($1))", second.get_server_pid()):
            assert not making.done(), "it waits for the other one"
            await asyncio.sleep(0.02)
        await first.execute("SELECT 1")
        making.cancel()
        await asyncio.wait({making})


async def test_an_owner_gets_schema_public_where_servers_give_it_to_all(
    server: Administrator, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers before version 15 did; this one is taken for one of those."""
    monkeypatch.setattr(admin, "_OWN_SCHEMA", 10**9)
    seen = "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'public'"
    await give(server, name)
    async with server.session() as connection:
        await execute(connection, "DROP DATABASE %I", name)
    await admin.create_database(server, name, name, name)
    async with server.session(name) as connection:
        assert await connection.fetchval(seen) == name
        await connection.execute("ALTER SCHEMA public OWNER TO postgres")

    await give(server, name)

    async with server.session(name) as connection:
        assert await connection.fetchval(seen) == name


async def test_the_only_app_of_a_server_connects_to_the_first_database_and_makes_more(
    server: Administrator, name: str
) -> None:
    await create_tenant(server, name, PASSWORD, name, 50, alone=True)
    async with log_in(server, name, "postgres") as connection:
        await execute(connection, "CREATE DATABASE %I", f"{name}_test")
    await take(server, name)


async def test_the_superuser_gets_another_password(server: Administrator) -> None:
    other = attrs.evolve(server, password=Secret.generate())
    await admin.set_password(server, other.password)
    try:
        assert await ask(other, "SELECT 1") == 1
    finally:
        await admin.set_password(attrs.evolve(other, other=server.password), server.password)


async def test_a_transaction_of_a_login_has_a_moment_to_end(
    server: Administrator, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logins, "_PATIENCE", 60.0)
    await give(server, name)
    tenant, login = Tenant(name, name, {}), Login(f"{name}.1", PASSWORD)
    await logins.add_login(server, tenant, login, -1)
    async with log_in(server, login.name, name) as connection:
        await connection.execute("BEGIN; CREATE TABLE t (n int)")
        removing = asyncio.create_task(logins.remove_login(server, tenant, login.name))
        while await ask(server, "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", login.name):
            await asyncio.sleep(0.02)
        await asyncio.sleep(2)  # one without patience has ended it by now
        await connection.execute("COMMIT")
        await removing
    assert await is_there(server, login.name) == (False, False)


@pytest.mark.parametrize("odd", ['say "x"', "it's; DROP ROLE postgres", "ünïcode", "%I%L", "a" * 63])
async def test_any_name_is_quoted_by_the_server(server: Administrator, odd: str) -> None:
    await give(server, odd)
    assert await is_there(server, odd) == (True, True)

    await take(server, odd)
    assert await is_there(server, odd) == (False, False)


async def test_the_clear_password_never_reaches_the_server(
    server: Administrator, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    async def listen(connection: asyncpg.Connection, template: str, *values: str, **limit: float) -> None:
        said.extend(values)
        await execute(connection, template, *values, **limit)

    monkeypatch.setattr(session, "execute", listen)
    monkeypatch.setattr(logins, "execute", listen)
    await give(server, name)
    await logins.add_login(server, Tenant(name, name, {}), Login(f"{name}.1", PASSWORD), 5)

    assert any(value.startswith("SCRAM-SHA-256$4096:") for value in said)
    assert not any(PASSWORD.reveal() in value for value in said)
