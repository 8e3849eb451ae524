"""Closes a database while its data move: the superuser alone can be in it. Says how large it is, too."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from addonkit import TransientError, Usage
from addonkit_postgresql.session import Administrator, execute

if TYPE_CHECKING:
    import asyncpg

_CLOSE: Final = "ALTER DATABASE %I CONNECTION LIMIT 0"
"""A superuser does not count. Settings such as default_transaction_read_only are none that a session has to keep."""

_OPEN: Final = "ALTER DATABASE %I CONNECTION LIMIT -1"

END_SESSIONS: Final = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
    WHERE a.datname = $1 AND NOT r.rolsuper
"""
"""Ends the sessions of apps in a database, and counts them."""

_USAGE: Final = "SELECT pg_database_size($1)"
_TABLES: Final = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text !~ '^pg_'"

_LOOKS: Final = 100
_PAUSE: Final = 0.05
"""Seconds between two looks at whether all sessions have ended."""


async def freeze(server: Administrator, database: str) -> None:
    """Let no app connect, and end the sessions that there are.

    Raises:
        TransientError: a session does not end.
    """
    async with server.session() as connection:
        await execute(connection, _CLOSE, database)
        quiet = 0
        for _ in range(_LOOKS):
            # One that was let in just before is seen a moment later.
            quiet = 0 if await _end_sessions(connection, database) else quiet + 1
            if quiet > 1:
                return
            await asyncio.sleep(_PAUSE)
    raise TransientError(f"closing database {database}", "a session of an app does not end")


async def thaw(server: Administrator, database: str) -> None:
    """Let apps connect again."""
    async with server.session() as connection:
        await execute(connection, _OPEN, database)


async def usage(server: Administrator, database: str) -> Usage:
    """Tell how many tables a database has, and its bytes on disk."""
    async with server.session(database) as connection:
        size = await connection.fetchval(_USAGE, database)
        tables = await connection.fetchval(_TABLES)
    return Usage(tables, size)


async def _end_sessions(connection: asyncpg.Connection, database: str) -> int:
    found: int = await connection.fetchval(END_SESSIONS, database)
    return found
