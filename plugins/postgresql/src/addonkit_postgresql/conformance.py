"""How an app uses a database: through its variables alone. For the conformance kit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from addonkit.testing import ConformanceClient

_TABLE = "CREATE TABLE IF NOT EXISTS kept (key text PRIMARY KEY, value text NOT NULL)"
_WRITE = "INSERT INTO kept VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


class Client(ConformanceClient):
    """Values in a table. Writes through the URL, reads through the parts."""

    def write(self, environ: Mapping[str, str], key: str, value: str) -> None:
        """Keep a value."""
        asyncio.run(_write(environ["DATABASE_URL"], key, value))

    def read(self, environ: Mapping[str, str], key: str) -> str | None:
        """The value, None without one."""
        return asyncio.run(_read(environ, key))


async def _write(url: str, key: str, value: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute(_TABLE)
        await connection.execute(_WRITE, key, value)
    finally:
        await connection.close()


async def _read(environ: Mapping[str, str], key: str) -> str | None:
    import asyncpg

    connection = await asyncpg.connect(
        host=environ["PGHOST"],
        port=int(environ["PGPORT"]),
        user=environ["PGUSER"],
        password=environ["PGPASSWORD"],
        database=environ["PGDATABASE"],
        timeout=10,
    )
    try:
        if await connection.fetchval("SELECT to_regclass('kept')") is None:
            return None
        value: str | None = await connection.fetchval("SELECT value FROM kept WHERE key = $1", key)
        return value
    finally:
        await connection.close()
