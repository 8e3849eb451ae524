"""Keeps apps from writing to a disk that is nearly full: new sessions are read-only, and those that there are end.

A session can still say that it writes, with `BEGIN READ WRITE` or `SET`. An app needs that to delete what it can do
without. The keeper repeats the limit, so a setting that an app has reset comes back.
"""

from __future__ import annotations

from typing import Final

from addonkit_postgresql.freezing import END_SESSIONS
from addonkit_postgresql.session import Administrator, execute

_IS_DENIED: Final = """
    SELECT EXISTS (
        SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
        WHERE d.datname = $1 AND s.setrole = 0 AND 'default_transaction_read_only=on' = ANY (s.setconfig)
    )
"""


async def limit_writes(server: Administrator, database: str, *, denied: bool) -> None:
    """Make the sessions of a database read-only, or let them write again. Does nothing if that is so already."""
    async with server.session() as connection:
        if await connection.fetchval(_IS_DENIED, database) is denied:
            return
        words = "SET default_transaction_read_only = on" if denied else "RESET default_transaction_read_only"
        await execute(connection, f"ALTER DATABASE %I {words}", database)
        await connection.execute(END_SESSIONS, database)
