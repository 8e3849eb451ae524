"""An app attacks the superuser that backs it up, and its neighbours, with what a login of its own can do."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from addonkit import AddonkitError, BackupError, Login, Tenant
from addonkit_postgresql import dump, fingerprint, kept_settings
from addonkit_postgresql.hogs import QUEUE_PAGES, find_hogs
from addonkit_postgresql.logins import add_login
from addonkit_postgresql.session import Administrator, ServerFault
from app_sessions import PASSWORD, give, logged_in


async def powers(server: Administrator, name: str) -> tuple[bool, ...]:
    async with server.session() as connection:
        row = await connection.fetchrow(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,"
            " EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid) FROM pg_roles r WHERE rolname = $1",
            name,
        )
    return tuple(row)


class Swapped:
    """The superuser's session; when it has listed what there is, the app puts something else in its place."""

    def __init__(self, connection: asyncpg.Connection, after: str, attack: Any) -> None:
        self._connection, self._after, self._attack = connection, after, attack

    async def fetch(self, query: str, *values: Any, **named: Any) -> Any:
        rows = await self._connection.fetch(query, *values, **named)
        if query == self._after:
            await self._attack()
        return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.mark.parametrize("kind", ["TABLE", "SEQUENCE"])
async def test_a_view_in_the_place_of_a_table_makes_the_superuser_call_nothing(
    server: Administrator, name: str, tmp_path: Path, kind: str
) -> None:
    """COPY TO PROGRAM is possible in a transaction that only reads: it would be a shell of the server's user."""
    tmp_path.parent.chmod(0o755)
    tmp_path.chmod(0o777)
    await give(server, name)
    listed = fingerprint._TABLES if kind == "TABLE" else fingerprint._SEQUENCES
    async with logged_in(server, name) as app:
        columns = "(n int)" if kind == "TABLE" else ""
        await app.execute(
            f"CREATE {kind} bait {columns};"
            "CREATE FUNCTION trap() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN "
            f"EXECUTE 'COPY (SELECT 1) TO PROGRAM ''touch {tmp_path}/mine'''; RETURN 1; END $$"
        )

        async def swap() -> None:
            await app.execute(
                f"DROP {kind} bait; CREATE VIEW bait AS SELECT trap() AS n, trap() AS last_value, true AS is_called"
            )

        async with (
            server.session(name) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="view"):
                await fingerprint.fingerprint_of(Swapped(connection, listed, swap), name)

    assert list(tmp_path.iterdir()) == []


POISON = """
    CREATE FUNCTION public.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
      RESET SESSION AUTHORIZATION;
      EXECUTE 'ALTER ROLE {name} SUPERUSER';
      RETURN pg_catalog.format($1, VARIADIC $2);
    END $$;
    CREATE FUNCTION public.set_config(text, text, boolean) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
      RESET SESSION AUTHORIZATION;
      EXECUTE 'ALTER ROLE {name} SUPERUSER';
      RETURN pg_catalog.set_config($1, $2, $3);
    END $$;
"""
"""What the superuser's session must not call while it stands in for the app: it can become itself again there."""

SETTINGS = [
    ("DATABASE", "search_path", 'public, pg_catalog, "$user"'),
    ("DATABASE", "work_mem", "'5MB'"),
    ("DATABASE", "role", "'{name}'"),
    ("DATABASE", "default_transaction_read_only", "on"),
    ("DATABASE", "statement_timeout", "'1ms'"),
    ("ROLE", "session_authorization", "'postgres'"),
    ("ROLE", "role", "'postgres'"),
    ("ROLE", "search_path", "'odd \"one', 'a, b', ''"),
    ("ROLE", "work_mem", "'6MB'"),
    ("ROLE", "application_name", "'x y; RESET SESSION AUTHORIZATION'"),
]


async def test_settings_of_an_app_are_restored_whole_and_call_nothing_of_it(server: Administrator, name: str) -> None:
    copy = f"{name}_copy"
    for each in (name, copy):
        await give(server, each)
        async with logged_in(server, each) as app:
            await app.execute(POISON.format(name=each))
    async with logged_in(server, name) as app:
        for kind, setting, value in SETTINGS:
            await app.execute(f"ALTER {kind} {name} SET {setting} TO {value.format(name=copy)}")
    async with server.session(name) as connection:
        content = await kept_settings.read_settings(connection, name)

    await kept_settings.apply_settings(server, copy, content)

    async with server.session(copy) as connection:
        assert await kept_settings.read_settings(connection, copy) == content
    assert await powers(server, copy) == await powers(server, name) == (False,) * 6
    await kept_settings.apply_settings(server, copy, b"[]")
    async with server.session(copy) as connection:
        assert await kept_settings.read_settings(connection, copy) == b"[]"


@pytest.mark.parametrize(
    "planted",
    [
        b'[["role", "session_authorization", "postgres"], ["role", "temp_file_limit", "1"]]',
        b'[["role", "work_mem\\" TO DEFAULT; RESET SESSION AUTHORIZATION; --", "1"]]',
        b'[["role", "search_path", "a; RESET SESSION AUTHORIZATION"], ["database", "temp_file_limit", "1"]]',
        b'[["role in database", "log_statement", "none"]]',
    ],
)
async def test_an_archive_sets_nothing_that_the_owner_could_not(
    server: Administrator, name: str, planted: bytes
) -> None:
    await give(server, name)
    with suppress(BackupError, ServerFault):
        await kept_settings.apply_settings(server, name, planted)
    async with server.session(name) as connection:
        after = await kept_settings.read_settings(connection, name)
    assert b"temp_file_limit" not in after
    assert b"log_statement" not in after
    assert await powers(server, name) == (False,) * 6


ATTEMPTS = (
    "COPY (SELECT 1) TO PROGRAM 'true'", "COPY pg_class TO '/tmp/x'", "CREATE TABLE f (x text); COPY f FROM '/etc/passwd'",
    "SELECT lo_import('/etc/passwd')", "SELECT lo_export(lo_create(0), '/tmp/x')", "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')", "SELECT pg_stat_file('PG_VERSION')", "SELECT pg_current_logfile()", "CREATE EXTENSION dblink",
    "CREATE EXTENSION postgres_fdw", "CREATE EXTENSION file_fdw", "CREATE EXTENSION adminpack", "LOAD 'auto_explain'",
    "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc.so.6', 'system'", "CREATE LANGUAGE plpython3u",
    "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS ''; CREATE EVENT TRIGGER e ON login EXECUTE FUNCTION f()",
    "SELECT pg_create_physical_replication_slot('s')", "SELECT pg_create_logical_replication_slot('s', 'pgoutput')",
    "SELECT pg_logical_slot_get_changes('s', NULL, NULL)", "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
    "CREATE ROLE r", "ALTER ROLE postgres PASSWORD 'x'", "ALTER ROLE CURRENT_USER SUPERUSER", "SET SESSION AUTHORIZATION postgres",
    "SET ROLE pg_read_all_data", "GRANT pg_execute_server_program TO CURRENT_USER", "CREATE DATABASE d", "DROP DATABASE postgres",
    "ALTER DATABASE postgres SET search_path = public", "ALTER ROLE ALL SET work_mem = '1MB'", "ALTER SYSTEM SET fsync = off",
    "SET log_statement = 'all'", "SET temp_file_limit = -1", "SELECT pg_reload_conf()", "SELECT pg_rotate_logfile()", "CHECKPOINT",
    "SELECT pg_switch_wal()",
    "LOCK TABLE pg_catalog.pg_authid", "LOCK TABLE pg_catalog.pg_database IN EXCLUSIVE MODE", "SELECT * FROM pg_authid",
    "UPDATE pg_catalog.pg_database SET datallowconn = false", "CREATE FUNCTION pg_catalog.x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "PREPARE TRANSACTION 'x'", "CREATE TABLESPACE t LOCATION '/tmp'", "SELECT pg_stat_reset_shared('wal')",
    "SELECT pg_read_binary_file('global/pg_control')", "CREATE SERVER s FOREIGN DATA WRAPPER nope",
    "SELECT pg_log_backend_memory_contexts(1)", "SELECT pg_promote()", "COMMENT ON ROLE CURRENT_USER IS 'addonkit:other'",
)  # fmt: skip
"""What reaches beyond an app's own database."""


@pytest.mark.parametrize("role", ["owner", "read-write", "read-only"])
async def test_an_app_has_no_way_out_of_its_database(server: Administrator, name: str, role: str) -> None:
    await give(server, name)
    login = f"{name}.guest"
    await add_login(server, Tenant(name, name, {}), Login(login, PASSWORD, role), 50)
    succeeded = []
    async with logged_in(server, login, name) as app:
        for prelude in ("", "SET LOCAL ROLE NONE"):
            for statement in ATTEMPTS:
                await app.execute(f"BEGIN; {prelude}")
                try:
                    await app.execute(statement)
                except asyncpg.PostgresError:
                    pass
                else:
                    succeeded.append((prelude, statement))
                await app.execute("ROLLBACK")
        for database in ("postgres", "template1"):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.InvalidAuthorizationSpecificationError)):
                async with logged_in(server, login, database):
                    pass
    assert succeeded == []
    assert await powers(server, name) == (False,) * 6
    assert (await powers(server, login))[:5] == (False,) * 5


async def test_a_table_that_an_app_keeps_locked_fails_its_backup_in_time(
    server: Administrator, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "LOCK_LIMIT", 1)
    await give(server, name)
    tenant = Tenant(name, name, {})
    async with logged_in(server, name) as app:
        await app.execute("CREATE TABLE busy (n int)")
        await app.execute("BEGIN; LOCK TABLE busy")
        with pytest.raises(AddonkitError, match="lock timeout"):
            await dump.fingerprint(server, tenant)
    assert await dump.fingerprint(server, tenant)


async def test_who_holds_most_of_the_locks_is_found(server: Administrator, name: str) -> None:
    await give(server, name)
    async with logged_in(server, name) as app:
        assert name not in await find_hogs(server)
        await app.execute("SELECT count(pg_advisory_lock(n)) FROM generate_series(1, 5000) n")
        found = await find_hogs(server)
    assert found[name].endswith("% of the locks")


@pytest.mark.parametrize("server", ["18"], indirect=True)
async def test_the_queue_of_notifications_is_bounded_and_who_holds_it_is_found(
    server: Administrator, name: str
) -> None:
    await give(server, name)
    await give(server, f"{name}_neighbour")
    fill = "SELECT count(pg_notify('x', repeat('x', 7900) || n)) FROM generate_series({}, {}) n"
    async with logged_in(server, name) as hog, logged_in(server, f"{name}_neighbour") as neighbour:
        await hog.execute("LISTEN x")
        await hog.execute("BEGIN")
        await hog.execute("SELECT 1")
        half = QUEUE_PAGES // 2
        await neighbour.execute(fill.format(1, half + 500))
        assert (await find_hogs(server))[name].endswith("% of the queue of notifications")

        with pytest.raises(asyncpg.PostgresError, match="too many notifications"):
            await neighbour.execute(fill.format(1, QUEUE_PAGES))
        assert name in await find_hogs(server), "it is full"
    assert name not in await find_hogs(server)
