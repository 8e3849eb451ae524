"""Uses a database as an app does: through its variables alone. For the conformance kit."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from addonkit.testing import ConformanceClient
from addonkit_postgresql.conformance_rights import ALLOWED, CHANGED, CHANGES, KINDS, READS, REFUSALS, REFUSED

if TYPE_CHECKING:
    import asyncpg

_TABLE = "CREATE TABLE IF NOT EXISTS kept (key text PRIMARY KEY, value text NOT NULL)"
_WRITE = "INSERT INTO kept VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_OPEN = "SELECT datname FROM pg_database WHERE datallowconn AND has_database_privilege(datname, 'CONNECT')"


_LISTINGS = (
    "SELECT datname || ' ' || usename || ' ' || query FROM pg_stat_activity WHERE query IS NOT NULL",
    "SELECT rolname FROM pg_roles",
    "SELECT datname FROM pg_database",
)
_SHOWN = (
    *("shared_buffers", "max_wal_size", "work_mem", "statement_timeout", "lock_timeout"),
    *("idle_in_transaction_session_timeout", "temp_file_limit"),
)
_RESERVED = 3
"""Connections that apps cannot take."""


class Client(ConformanceClient):
    """Values in a table. Writes through the URL, reads through the parts."""

    not_applicable: ClassVar[Mapping[str, str]] = {
        "an_app_sees_no_name_of_another": "PostgreSQL shows every login the names of all databases and roles"
    }

    def write(self, environ: Mapping[str, str], key: str, value: str) -> None:
        """Keep a value."""
        asyncio.run(_write(environ["DATABASE_URL"], key, value))

    def read(self, environ: Mapping[str, str], key: str) -> str | None:
        """Return the value, None without one."""
        return asyncio.run(_read(environ, key))

    def keys(self, environ: Mapping[str, str]) -> Collection[str]:
        """Return those in all databases that let the app in."""
        return asyncio.run(_keys(environ))

    @contextmanager
    def session(self, environ: Mapping[str, str]) -> Iterator[Callable[[str], Any]]:
        """Open a connection; the key stands in the statement, where others could see it."""
        with asyncio.Runner() as runner:
            session = _session(environ, environ["PGDATABASE"])
            connection = runner.run(session.__aenter__())
            try:
                yield lambda key: runner.run(connection.fetch(f"SELECT '{key}'"))
            finally:
                runner.run(session.__aexit__(None, None, None))

    def knows(self, environ: Mapping[str, str]) -> bool:
        """Return whether the password counts: the server looks at it before it looks at the database."""
        return asyncio.run(_knows(environ))

    def listing(self, environ: Mapping[str, str]) -> Collection[str]:
        """Return sessions, roles and databases."""
        return asyncio.run(_listing(environ))

    def facts(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """Return what the server and the role of the app say."""
        return asyncio.run(_facts(environ))

    def rights(self, environ: Mapping[str, str]) -> Mapping[str, bool]:
        """Return statements."""
        del environ
        return dict.fromkeys(ALLOWED, True) | dict.fromkeys(REFUSED, False)

    def reader_rights(self, environ: Mapping[str, str]) -> Mapping[str, bool]:
        """Return statements that read, and those that change something."""
        del environ
        return dict.fromkeys(READS, True) | dict.fromkeys((*REFUSED, *CHANGES), False)

    def kinds(self, environ: Mapping[str, str]) -> Collection[str]:
        """Return what stands beside tables."""
        del environ
        return tuple(KINDS)

    def make(self, environ: Mapping[str, str], kind: str) -> None:
        """Keep one."""
        asyncio.run(_make(environ, KINDS[kind][0]))

    def look(self, environ: Mapping[str, str], kind: str) -> str:
        """Return what it holds."""
        return asyncio.run(_look(environ, KINDS[kind][1]))

    def change(self, environ: Mapping[str, str], kind: str) -> bool:
        """Let it hold something else."""
        if kind in CHANGED:
            asyncio.run(_make(environ, CHANGED[kind]))
        return kind in CHANGED

    def attempt(self, environ: Mapping[str, str], action: str) -> None:
        """Execute a statement. A server that lets it through and cannot do it has not refused it."""
        asyncio.run(_attempt(environ, action))


async def _make(environ: Mapping[str, str], statement: str) -> None:
    async with _session(environ, environ["PGDATABASE"]) as connection:
        await connection.execute(statement)


async def _look(environ: Mapping[str, str], query: str) -> str:
    async with _session(environ, environ["PGDATABASE"]) as connection:
        return str(await connection.fetchval(query))


async def _attempt(environ: Mapping[str, str], statement: str) -> None:
    import asyncpg

    async with _session(environ, environ["PGDATABASE"]) as connection:
        await connection.execute("SET default_transaction_read_only = off")
        try:
            await connection.execute(statement)
        except asyncpg.PostgresError as error:
            if error.sqlstate in REFUSALS:
                raise


async def _knows(environ: Mapping[str, str]) -> bool:
    import asyncpg

    try:
        async with _session(environ, "postgres"):
            return True
    except asyncpg.InsufficientPrivilegeError:
        return True


async def _listing(environ: Mapping[str, str]) -> list[str]:
    async with _session(environ, environ["PGDATABASE"]) as connection:
        return [row[0] for query in _LISTINGS for row in await connection.fetch(query)]


async def _facts(environ: Mapping[str, str]) -> dict[str, str]:
    async with _session(environ, environ["PGDATABASE"]) as connection:
        shown = {name: await connection.fetchval(f"SHOW {name}") for name in _SHOWN}
        limit = await connection.fetchval("SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user")
        places = int(await connection.fetchval("SHOW max_connections")) - _RESERVED
        version = await connection.fetchval("SHOW server_version")
    return {"version": version, "max_connections": str(places), "connections_per_app": str(limit), **shown}


async def _write(url: str, key: str, value: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute(_TABLE)
        await connection.execute(_WRITE, key, value)
    finally:
        await connection.close()


async def _read(environ: Mapping[str, str], key: str) -> str | None:
    async with _session(environ, environ["PGDATABASE"]) as connection:
        if await connection.fetchval("SELECT to_regclass('kept')") is None:
            return None
        value: str | None = await connection.fetchval("SELECT value FROM kept WHERE key = $1", key)
        return value


async def _keys(environ: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    async with _session(environ, environ["PGDATABASE"]) as connection:
        databases = [row["datname"] for row in await connection.fetch(_OPEN)]
    for database in databases:
        async with _session(environ, database) as connection:
            if await connection.fetchval("SELECT to_regclass('kept')") is not None:
                found += [row["key"] for row in await connection.fetch("SELECT key FROM kept")]
    return found


@asynccontextmanager
async def _session(environ: Mapping[str, str], database: str) -> AsyncIterator[asyncpg.Connection]:
    import asyncpg

    connection = await asyncpg.connect(
        host=environ["PGHOST"],
        port=int(environ["PGPORT"]),
        user=environ["PGUSER"],
        password=environ["PGPASSWORD"],
        database=database,
        ssl=ssl.create_default_context(cafile=environ["PGSSLROOTCERT"]) if "PGSSLROOTCERT" in environ else None,
        timeout=10,
    )
    try:
        yield connection
    finally:
        await connection.close()
