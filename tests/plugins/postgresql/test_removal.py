"""Whatever an app or its neighbour does, a tenant is logged out and removed, within seconds."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress

import asyncpg
import pytest

from addonkit_postgresql import admin, blockers, removal
from addonkit_postgresql.blockers import unblocked
from addonkit_postgresql.removal import remove
from addonkit_postgresql.session import Administrator, execute
from app_sessions import PASSWORD, give, logged_in
from older_tenants import create_tenant

LIMIT = 60
"""Seconds: far more than a removal takes, far less than for ever."""

ENDED = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a session that was ended raises: which of them depends on how far the driver has heard of it."""


async def ask(server: Administrator, query: str, *values: object) -> object:
    async with server.session() as connection:
        return await connection.fetchval(query, *values)


async def take(server: Administrator, name: str) -> None:
    """Remove a tenant in time, and see that nothing of it is left."""
    await asyncio.wait_for(remove(server, name, name), LIMIT)

    assert await ask(server, "SELECT count(*) FROM pg_roles WHERE rolname = $1", name) == 0
    assert await ask(server, "SELECT count(*) FROM pg_database WHERE datname = $1", name) == 0
    with pytest.raises(asyncpg.InvalidPasswordError):
        async with logged_in(server, name):
            pass


@pytest.fixture
async def neighbour(server: Administrator, name: str) -> str:
    """Another app on the server, with a table that it can grant."""
    neighbour = f"{name}_neighbour"
    await give(server, neighbour)
    async with logged_in(server, neighbour) as connection:
        await connection.execute("CREATE TABLE t (n int)")
    return neighbour


BY_THE_APP = {
    "a template": "ALTER DATABASE {name} IS_TEMPLATE true",
    "no room for connections": "ALTER DATABASE {name} CONNECTION LIMIT 0",
    "a role of its own": "ALTER DATABASE {name} SET role = '{name}'",
    "limits": "ALTER ROLE {name} SET statement_timeout = 1; ALTER DATABASE {name} SET lock_timeout = 1",
    "what is open to all": "GRANT ALL ON DATABASE {name} TO PUBLIC; GRANT ALL ON SCHEMA public TO PUBLIC",
    "a large object": "SELECT lo_create(4711 + {number}); GRANT ALL ON LARGE OBJECT {large} TO PUBLIC",
    "default privileges": "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
}


@pytest.mark.parametrize("hindrance", BY_THE_APP)
async def test_what_an_app_set_does_not_keep_it(server: Administrator, name: str, hindrance: str) -> None:
    await give(server, name)
    number = int(name.removeprefix("app"))
    async with logged_in(server, name) as connection:
        await connection.execute(BY_THE_APP[hindrance].format(name=name, number=number, large=4711 + number))

    await take(server, name)


OPEN_BY_THE_APP = {
    "a comment": "COMMENT ON DATABASE {name} IS 'x'",
    "a setting": "ALTER DATABASE {name} SET work_mem = '1MB'",
    "its own password": "ALTER ROLE {name} PASSWORD 'other'",
    "its own setting": "ALTER ROLE {name} SET work_mem = '1MB'",
    "a lock": "CREATE TABLE t (n int); LOCK TABLE t",
    "an advisory lock": "SELECT pg_advisory_lock(1), pg_advisory_xact_lock({doors})",
}


@pytest.mark.parametrize("hindrance", OPEN_BY_THE_APP)
async def test_an_open_transaction_of_the_app_does_not_keep_it(
    server: Administrator, name: str, hindrance: str
) -> None:
    await give(server, name)
    async with logged_in(server, name) as connection:
        await connection.execute("BEGIN")
        await connection.execute(OPEN_BY_THE_APP[hindrance].format(name=name, doors=admin._DOORS_LOCK))

        await take(server, name)


SET_BY_A_NEIGHBOUR = {
    "role": "'{neighbour}'",
    "session_authorization": "'{neighbour}'",
    "idle_session_timeout": "'1ms'",
    "idle_in_transaction_session_timeout": "'1ms'",
    "statement_timeout": "'1ms'",
    "lock_timeout": "'1ms'",
    "transaction_timeout": "'1ms'",
    "local_preload_libraries": "'nope'",
    "search_path": "public, pg_catalog",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "client_encoding": "LATIN1",
    "DateStyle": "German",
    "row_security": "off",
    "check_function_bodies": "off",
    "work_mem": "'64kB'",
    "restrict_nonsystem_relation_kind": "'view, foreign-table'",
    "event_triggers": "off",
    "mine.thing": "'nobody knows'",
}


@pytest.mark.parametrize("setting", SET_BY_A_NEIGHBOUR)
async def test_what_a_neighbour_set_for_its_database_does_not_keep_an_app(
    server: Administrator, name: str, neighbour: str, setting: str
) -> None:
    await give(server, name)
    value = SET_BY_A_NEIGHBOUR[setting].format(neighbour=neighbour)
    async with logged_in(server, neighbour) as connection:
        await connection.execute(f"GRANT SELECT ON t TO {name}")
        with suppress(asyncpg.UndefinedObjectError, asyncpg.InsufficientPrivilegeError):  # not in every version
            await connection.execute(f"ALTER DATABASE {neighbour} SET {setting} = {value}")

    await take(server, name)
    await take(server, neighbour)


async def test_many_settings_at_once_do_not_keep_an_app(server: Administrator, name: str, neighbour: str) -> None:
    await give(server, name)
    async with logged_in(server, neighbour) as connection:
        await connection.execute(f"GRANT SELECT ON t TO {name}")
        for setting, value in SET_BY_A_NEIGHBOUR.items():
            with suppress(asyncpg.UndefinedObjectError, asyncpg.InsufficientPrivilegeError):
                await connection.execute(
                    f"ALTER DATABASE {neighbour} SET {setting} = {value.format(neighbour=neighbour)}"
                )

    async with server.session(neighbour) as inside:
        assert await inside.fetchval("SELECT current_user || session_user") == "postgrespostgres"
        assert await inside.fetchval("SHOW search_path") == "pg_catalog"
    await take(server, name)
    await take(server, neighbour)


OPEN_BY_A_NEIGHBOUR = {
    "a grant": "GRANT SELECT ON t TO {name}",
    "a grant on its database": "GRANT CONNECT ON DATABASE {neighbour} TO {name}",
    "a lock on what is granted": "GRANT SELECT ON t TO {name}; COMMIT; BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE",
    "a policy": "CREATE POLICY guest ON t TO {name}",
    "a setting, with a grant before": "GRANT SELECT ON t TO {name}; COMMIT; BEGIN;"
    " ALTER DATABASE {neighbour} SET work_mem = '1MB'",
}


@pytest.mark.parametrize("hindrance", OPEN_BY_A_NEIGHBOUR)
async def test_an_open_transaction_of_a_neighbour_does_not_keep_an_app(
    server: Administrator, name: str, neighbour: str, hindrance: str
) -> None:
    await give(server, name)
    async with logged_in(server, neighbour) as connection:
        await connection.execute("BEGIN")
        await connection.execute(OPEN_BY_A_NEIGHBOUR[hindrance].format(name=name, neighbour=neighbour))

        await take(server, name)


async def test_a_neighbour_that_grants_again_and_again_does_not_keep_an_app(
    server: Administrator, name: str, neighbour: str
) -> None:
    await give(server, name)

    async def grant() -> None:
        while True:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                async with logged_in(server, neighbour) as connection:
                    while True:
                        await connection.execute(f"GRANT SELECT ON t TO {name}")

    granting = [asyncio.create_task(grant()) for _ in range(3)]
    try:
        await asyncio.sleep(0.2)
        await take(server, name)
    finally:
        for each in granting:
            each.cancel()
        await asyncio.gather(*granting, return_exceptions=True)


@pytest.mark.parametrize(
    "reason",
    [asyncpg.InternalServerError("tuple concurrently updated"), asyncpg.DeadlockDetectedError("deadlock detected")],
    ids=["one row at once", "deadlock"],
)
async def test_a_grant_in_the_same_moment_does_not_keep_an_app(
    server: Administrator, name: str, neighbour: str, monkeypatch: pytest.MonkeyPatch, reason: asyncpg.PostgresError
) -> None:
    """Both come of real grants, one time in thirty: twelve sessions that grant on twenty tables."""
    await give(server, name)
    async with logged_in(server, neighbour) as connection:
        await connection.execute(f"GRANT SELECT ON t TO {name}")
    reasons, drop_owned = [reason], removal._drop_owned

    async def contended(inside: asyncpg.Connection, role: str) -> None:
        if reasons:
            raise reasons.pop()
        await drop_owned(inside, role)

    monkeypatch.setattr(removal, "_drop_owned", contended)

    async with logged_in(server, neighbour) as granting:
        await take(server, name)
        with pytest.raises(ENDED):
            await granting.fetchval("SELECT 1")


async def test_a_neighbour_that_closes_its_database_does_not_keep_an_app(
    server: Administrator, name: str, neighbour: str
) -> None:
    await give(server, name)
    async with logged_in(server, neighbour) as connection:
        await connection.execute(f"GRANT SELECT ON t TO {name}")
    async with server.session() as connection:
        await execute(connection, "ALTER DATABASE %I ALLOW_CONNECTIONS false", neighbour)

    await take(server, name)

    assert await ask(server, "SELECT datallowconn FROM pg_database WHERE datname = $1", neighbour) is False


async def test_an_app_whose_database_is_closed_goes(server: Administrator, name: str) -> None:
    await give(server, name)
    async with server.session() as connection:
        await execute(connection, "ALTER DATABASE %I ALLOW_CONNECTIONS false", name)

    await take(server, name)


async def test_a_neighbour_left_broken_does_not_keep_an_app(server: Administrator, name: str, neighbour: str) -> None:
    await give(server, name)
    async with logged_in(server, neighbour) as connection:
        await connection.execute(f"GRANT SELECT ON t TO {name}")
    await ask(server, "UPDATE pg_database SET datconnlimit = -2 WHERE datname = $1 RETURNING 1", neighbour)

    await take(server, name)


async def test_what_an_app_keeps_at_its_neighbours_does_not_keep_it(
    server: Administrator, name: str, neighbour: str
) -> None:
    await give(server, name)
    async with logged_in(server, neighbour) as connection:
        await connection.execute(f"GRANT ALL ON DATABASE {neighbour} TO {name}; GRANT ALL ON SCHEMA public TO {name}")
    async with logged_in(server, name, neighbour) as connection:
        await connection.execute("CREATE TABLE left_there (n int); CREATE SCHEMA more CREATE VIEW v AS SELECT 1 AS n")
        await connection.execute(
            "CREATE FUNCTION f() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'; GRANT ALL ON left_there TO PUBLIC"
        )
    async with logged_in(server, neighbour) as connection:
        await connection.execute("CREATE VIEW mine AS SELECT * FROM left_there")

    await take(server, name)


async def test_what_needs_more_locks_than_there_are_is_dropped_in_parts(
    server: Administrator, name: str, neighbour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await give(server, name)
    async with logged_in(server, neighbour) as connection:
        await connection.execute(f"GRANT ALL ON SCHEMA public TO {name}; GRANT ALL ON DATABASE {neighbour} TO {name}")
    async with logged_in(server, name, neighbour) as connection:
        for start in range(40):
            await connection.execute("".join(f"CREATE TABLE t{start}_{n} (n int);" for n in range(25)))
    asked: list[int] = []

    async def too_many(connection: asyncpg.Connection, template: str, *values: str, limit: float = 45) -> None:
        if template.startswith("DROP OWNED BY %I CASCADE") and len(asked) < 2:
            asked.append(await connection.fetchval("SELECT count(*) FROM pg_class WHERE relname ~ '^t\\d+_\\d+$'"))
            raise asyncpg.OutOfMemoryError("out of shared memory")
        await execute(connection, template, *values, limit=limit)

    monkeypatch.setattr(removal, "execute", too_many)
    await take(server, name)

    assert asked == [1000, 500]


async def test_thousands_of_grants_do_not_keep_an_app(server: Administrator, name: str, neighbour: str) -> None:
    await give(server, name)
    async with logged_in(server, neighbour) as connection:
        for start in range(20):
            await connection.execute("".join(f"CREATE TABLE g{start}_{n} (n int);" for n in range(100)))
        await connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}")

    await take(server, name)


async def test_a_neighbour_that_may_act_as_the_app_loses_it(server: Administrator, name: str, neighbour: str) -> None:
    await give(server, name)
    async with server.session() as connection:
        await execute(connection, "GRANT %I TO %I", name, neighbour)

    async with logged_in(server, neighbour) as connection:
        await connection.execute(f"GRANT ALL ON SCHEMA public TO {name}; SET ROLE {name}; CREATE TABLE busy (n int)")
        await connection.execute("BEGIN; LOCK TABLE busy")
        await take(server, name)


async def test_a_role_of_an_app_that_gave_itself_away_is_taken_back(
    server: Administrator, name: str, neighbour: str
) -> None:
    await give(server, name)
    async with logged_in(server, name) as connection:
        with suppress(asyncpg.InsufficientPrivilegeError):  # allowed until version 15
            await connection.execute(f"GRANT {name} TO {neighbour} WITH ADMIN OPTION")

    await take(server, name)


async def test_all_databases_of_a_role_go_with_it(server: Administrator, name: str) -> None:
    await give(server, name)
    async with server.session() as connection:
        for further in ("test", "shadow"):
            await execute(connection, "CREATE DATABASE %I OWNER %I", f"{name}_{further}", name)
    async with logged_in(server, name, f"{name}_test"):
        await take(server, name)

    assert await ask(server, "SELECT count(*) FROM pg_database WHERE datname LIKE $1", f"{name}%") == 0


async def test_an_app_is_logged_out_before_anything_of_it_goes(
    server: Administrator, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await give(server, name)

    async def fails(*_: object) -> None:
        raise asyncpg.ObjectInUseError("somebody is in it")

    with monkeypatch.context() as patched:
        patched.setattr(removal, "drop_database", fails)
        async with logged_in(server, name) as connection:
            with pytest.raises(Exception, match="somebody is in it"):
                await remove(server, name, name)
            with pytest.raises(ENDED):
                await connection.fetchval("SELECT 1")
        with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
            async with logged_in(server, name):
                pass

    await take(server, name)


async def test_who_may_act_as_an_app_may_not_once_it_is_logged_out(
    server: Administrator, name: str, neighbour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await give(server, name)
    async with server.session() as connection:
        await execute(connection, "GRANT %I TO %I", name, neighbour)

    async def fails(*_: object) -> None:
        raise asyncpg.ObjectInUseError("somebody is in it")

    with monkeypatch.context() as patched:
        patched.setattr(removal, "drop_database", fails)
        async with logged_in(server, neighbour) as connection:
            await connection.execute(f"SET ROLE {name}")
            with pytest.raises(Exception, match="somebody is in it"):
                await remove(server, name, name)
            with pytest.raises(ENDED):
                await connection.fetchval("SELECT 1")
        async with logged_in(server, neighbour) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"SET ROLE {name}")

    await take(server, name)


async def test_what_an_operator_does_in_a_database_does_not_keep_it(server: Administrator, name: str) -> None:
    """Sessions of the superuser that wait in a transaction end with the database alone."""
    await give(server, name)
    async with server.session(name, patient=False) as inside:
        await inside.execute("BEGIN")
        await execute(inside, "COMMENT ON DATABASE %I IS 'x'", name)

        await take(server, name)


async def test_what_an_operator_and_a_neighbour_granted_does_not_keep_an_app(
    server: Administrator, name: str, neighbour: str
) -> None:
    await give(server, name)
    async with server.session() as connection:
        await connection.execute(f"CREATE TABLE public.of_{name} (n int); GRANT SELECT ON public.of_{name} TO {name}")
    async with logged_in(server, neighbour) as connection:
        await connection.execute(f"GRANT SELECT ON t TO {name}")

        await take(server, name)

        assert await connection.fetchval("SELECT true"), "a session that hinders nothing stays"


async def test_a_transaction_cannot_be_prepared_by_an_app(server: Administrator, name: str) -> None:
    await give(server, name)
    async with logged_in(server, name) as connection:
        await connection.execute("BEGIN; CREATE TABLE t (n int)")
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
            await connection.execute("PREPARE TRANSACTION 'x'")
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("ROLLBACK; SELECT pg_create_logical_replication_slot('x', 'pgoutput')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)"
            )


@pytest.mark.parametrize("closed", [False, True])
async def test_a_subscription_of_an_operator_does_not_keep_an_app(
    server: Administrator, name: str, *, closed: bool
) -> None:
    await give(server, name)
    async with server.session(name) as connection:
        await connection.execute(
            f"CREATE SUBSCRIPTION s_{name} CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)"
        )
        await connection.execute(f"ALTER SUBSCRIPTION s_{name} ENABLE")
    if closed:  # as an attempt that was interrupted leaves it
        async with server.session() as connection:
            await execute(connection, "ALTER DATABASE %I ALLOW_CONNECTIONS false", name)

    await take(server, name)


async def test_a_connection_that_never_logs_in_is_ended(server: Administrator) -> None:
    began = time.monotonic()
    reader, writer = await asyncio.open_connection(server.address.host, server.address.port)
    assert await asyncio.wait_for(reader.read(), LIMIT) == b""
    writer.close()
    await writer.wait_closed()
    assert time.monotonic() - began >= 1, "a client has time to log in"


async def test_an_app_has_the_connections_that_it_was_promised_and_no_more(server: Administrator, name: str) -> None:
    await create_tenant(server, name, PASSWORD, name, 5)

    async with AsyncExitStack() as stack:
        for _ in range(5):
            await stack.enter_async_context(logged_in(server, name))
        with pytest.raises(asyncpg.TooManyConnectionsError):
            await stack.enter_async_context(logged_in(server, name))
        await take(server, name)


@pytest.mark.parametrize("hindrance", OPEN_BY_THE_APP)
async def test_what_an_app_holds_does_not_keep_its_creation_from_being_repeated(
    server: Administrator, name: str, hindrance: str
) -> None:
    await give(server, name)
    async with logged_in(server, name) as connection:
        await connection.execute("BEGIN")
        await connection.execute(OPEN_BY_THE_APP[hindrance].format(name=name, doors=admin._DOORS_LOCK))

        await asyncio.wait_for(give(server, name), LIMIT)


async def test_a_transaction_has_a_moment_to_end_by_itself(
    server: Administrator, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blockers, "PATIENCE", LIMIT)
    await give(server, name)
    async with logged_in(server, name) as connection, server.session(name) as waiting:
        await connection.execute("BEGIN; CREATE TABLE t (n int); LOCK TABLE pg_catalog.pg_class IN ACCESS SHARE MODE")
        async with unblocked(server, waiting):
            locking = asyncio.create_task(waiting.execute("BEGIN; LOCK TABLE pg_catalog.pg_class; ROLLBACK"))
            while not await ask(server, "SELECT cardinality(pg_blocking_pids($1))", waiting.get_server_pid()):
                await asyncio.sleep(0.05)
            await asyncio.sleep(1)  # one without patience has ended it by now
            await connection.execute("COMMIT")
            await asyncio.wait_for(locking, LIMIT)


async def test_waiting_ends_when_it_is_cancelled(server: Administrator, name: str) -> None:
    await give(server, name)
    async with logged_in(server, name) as connection:
        await connection.execute("BEGIN; LOCK TABLE pg_catalog.pg_class IN ACCESS SHARE MODE")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5), server.session() as blocked, unblocked(server, blocked):
                await blocked.execute("SELECT pg_sleep(600)")
