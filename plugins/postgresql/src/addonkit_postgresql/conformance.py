"""How an app uses a database: through its variables alone. For the conformance kit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from addonkit.testing import ConformanceClient

if TYPE_CHECKING:
    import asyncpg

_TABLE = "CREATE TABLE IF NOT EXISTS kept (key text PRIMARY KEY, value text NOT NULL)"
_WRITE = "INSERT INTO kept VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_OPEN = "SELECT datname FROM pg_database WHERE datallowconn AND has_database_privilege(datname, 'CONNECT')"


class Client(ConformanceClient):
    """Values in a table. Writes through the URL, reads through the parts."""

    def write(self, environ: Mapping[str, str], key: str, value: str) -> None:
        """Keep a value."""
        asyncio.run(_write(environ["DATABASE_URL"], key, value))

    def read(self, environ: Mapping[str, str], key: str) -> str | None:
        """The value, None without one."""
        return asyncio.run(_read(environ, key))

    def keys(self, environ: Mapping[str, str]) -> Collection[str]:
        """Those in all databases that let the app in."""
        return asyncio.run(_keys(environ))


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
        timeout=10,
    )
    try:
        yield connection
    finally:
        await connection.close()
