"""Copies a database within a server: PostgreSQL makes any database from another one as its template.

A database with sessions cannot be a template, and no session is ended for it: then nothing is copied here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from addonkit import Tenant, TransientError
from addonkit_postgresql.configuring import configure
from addonkit_postgresql.kept_settings import apply_settings, read_settings
from addonkit_postgresql.session import Administrator, ServerFault, execute, execute_all

if TYPE_CHECKING:
    import asyncpg

_LIMIT: Final = 86_400.0
"""Seconds that a copy may take."""

_LARGE: Final = 64 * 1024 * 1024
"""Bytes from which on files are copied, which needs a checkpoint; smaller databases go through the WAL."""

_FIRST_WITH_CLONES: Final = 180_000
_FIRST_WITH_STRATEGY: Final = 150_000

_LOOK: Final = """
    SELECT current_setting('server_version_num')::int AS version, pg_database_size($1) AS size,
      EXISTS (SELECT FROM pg_stat_activity WHERE datname = $1 AND backend_type <> 'autovacuum worker') AS used,
      (SELECT array_agg(datname) FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE r.rolname = $1) AS owned
"""

_CREATE: Final = "CREATE DATABASE %I OWNER %I TEMPLATE %I CONNECTION LIMIT 0"


async def copy(server: Administrator, source: str, tenant: Tenant) -> bool:
    """Fill a tenant's database with what another one has; whether that was possible.

    Objects change hands with one statement, and the source stays with its owner: both in one transaction.
    """
    database = tenant.claim
    try:
        async with server.session() as connection:
            found = await connection.fetchrow(_LOOK, source)
            if found["used"]:
                return False
            await execute(connection, "DROP DATABASE IF EXISTS %I WITH (FORCE)", database)
            await _create(connection, database, source, version=found["version"], size=found["size"])
            await execute(connection, "REVOKE ALL ON DATABASE %I FROM PUBLIC", database)
        back = [("ALTER DATABASE %I OWNER TO %I", each, source) for each in found["owned"] or ()]
        async with server.session(database) as connection:
            await execute_all(connection, ("REASSIGN OWNED BY %I TO %I", source, database), *back, limit=_LIMIT)
        async with server.session(source) as connection:
            settings = await read_settings(connection, source)
        await apply_settings(server, database, settings)
        await configure(server, database, {}, tenant.config)
        async with server.session() as connection:
            await execute(connection, "ALTER DATABASE %I CONNECTION LIMIT -1", database)
    except (ServerFault, TransientError):
        return False  # an archive may do it, or says better why not
    return True


async def _create(connection: asyncpg.Connection, database: str, source: str, *, version: int, size: int) -> None:
    """Make the copy: by clones of files where the file system has them, else in the way that suits the size."""
    names = (database, database, source)
    if version >= _FIRST_WITH_CLONES and size >= _LARGE and await _cloned(connection, *names):
        return
    files = version >= _FIRST_WITH_STRATEGY and size >= _LARGE
    await execute(connection, f"{_CREATE}{' STRATEGY file_copy' if files else ''}", *names, limit=_LIMIT)


async def _cloned(connection: asyncpg.Connection, *names: str) -> bool:
    import asyncpg

    await connection.execute("SET file_copy_method = clone")
    try:
        await execute(connection, f"{_CREATE} STRATEGY file_copy", *names, limit=_LIMIT)
    except asyncpg.PostgresError:
        await connection.execute("RESET file_copy_method")
        return False
    return True
