"""Grants rights to logins that do not own a database, by two roles of the whole server; see naming.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from addonkit_postgresql.marks import LOGIN_MARK
from addonkit_postgresql.naming import READERS, WRITERS
from addonkit_postgresql.session import Administrator, execute, execute_all

if TYPE_CHECKING:
    import asyncpg

_ROLES_LOCK: Final = 0x6164646F6E6B6975
"""Key of the advisory lock that keeps two sessions from creating the same role."""

_SCHEMAS: Final = """
    SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname
"""

_READ: Final = (("SELECT", "TABLES"), ("SELECT", "SEQUENCES"))
_WRITE: Final = (("SELECT, INSERT, UPDATE, DELETE", "TABLES"), ("SELECT, USAGE, UPDATE", "SEQUENCES"))


_DEFAULTS: Final = (("USAGE", "SCHEMAS"), ("ALL", "TABLES"), ("ALL", "SEQUENCES"))

_USED: Final = """
    SELECT DISTINCT g.rolname FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid
    WHERE g.rolname = ANY ($1::text[]) AND shobj_description(a.member, 'pg_authid') = $2
"""


async def hide_defaults(admin: Administrator, database: str, owner: str) -> tuple[str, ...]:
    """Take back what the owner's later objects grant to logins; a dump would restore it for the owner by name only.

    Logins can do what they could, but for tables that are made until `open_database` is called for these roles.

    Returns:
        The roles that logins of the instance have.
    """
    async with admin.session(database) as connection:
        rows = await connection.fetch(_USED, [READERS, WRITERS], LOGIN_MARK + owner)
        roles = tuple(row["rolname"] for row in rows)
        for role in roles:
            await execute_all(
                connection,
                *(
                    (f"ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE {rights} ON {kind} FROM %I", database, role)
                    for rights, kind in _DEFAULTS
                ),
            )
    return roles


async def make_roles(connection: asyncpg.Connection) -> None:
    """Make both roles unless they are there."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _ROLES_LOCK)
        rows = await connection.fetch(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY ($1::text[])", [READERS, WRITERS]
        )
        for role in {READERS, WRITERS} - {row["rolname"] for row in rows}:
            await execute(connection, "CREATE ROLE %I NOLOGIN", role)


async def join(connection: asyncpg.Connection, database: str, login: str, *, writes: bool) -> None:
    """Let a login connect to the database of its app, and have what is granted there."""
    await make_roles(connection)
    await execute_all(
        connection,
        ("GRANT CONNECT ON DATABASE %I TO %I", database, login),
        ("GRANT %I TO %I", WRITERS if writes else READERS, login),
        ("ALTER ROLE %I SET default_transaction_read_only = %s", login, "off" if writes else "on"),
    )


async def open_database(admin: Administrator, database: str, *, writes: bool) -> None:
    """Grant what is in a database, and what its owner will make there."""
    role, kinds = (WRITERS, _WRITE) if writes else (READERS, _READ)
    async with admin.session(database) as connection:
        for row in await connection.fetch(_SCHEMAS):
            schema = row["nspname"]
            await execute_all(
                connection,
                ("GRANT USAGE ON SCHEMA %I TO %I", schema, role),
                *((f"GRANT {rights} ON ALL {kind} IN SCHEMA %I TO %I", schema, role) for rights, kind in kinds),
            )
        await execute_all(
            connection,
            ("ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT USAGE ON SCHEMAS TO %I", database, role),
            *(
                (f"ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT {rights} ON {kind} TO %I", database, role)
                for rights, kind in kinds
            ),
        )
