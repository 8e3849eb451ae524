"""Makes what apps have inside a server, as its superuser; `removal` removes it.

Every verb is safe to repeat. Roles carry the id of their instance in a comment, written in the
transaction that creates them: "already there and mine" differs from "already there and another instance's".
A database is known by its owner, which its owner cannot change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from addonkit import AlreadyExists, Conflict, Secret
from addonkit_postgresql import extending
from addonkit_postgresql.blockers import unblocked
from addonkit_postgresql.configuring import statements
from addonkit_postgresql.locales import order_of
from addonkit_postgresql.marks import MARK, mark_of
from addonkit_postgresql.naming import ADMINISTRATOR, SPARE
from addonkit_postgresql.options import LOCALE
from addonkit_postgresql.removal import remove
from addonkit_postgresql.scram import verifier
from addonkit_postgresql.session import DATABASE, Administrator, execute, execute_all, is_contended

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import asyncpg

_DOORS_LOCK: Final = 0x6164646F6E6B6974
"""Key of the advisory lock: "addonkit" in ASCII."""

_ALTER_ROLE: Final = """
    ALTER ROLE %I WITH NOLOGIN NOSUPERUSER %s NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD NULL
"""

_OWN_SCHEMA: Final = 150_000
"""Number of the first version in which schema `public` belongs to the owner of its database."""


_LOOK: Final = """
    SELECT current_setting('server_version_num')::int AS version,
        has_database_privilege('public', 'postgres', 'CONNECT, TEMPORARY')
        OR has_database_privilege('public', 'template1', 'CONNECT, TEMPORARY') AS open,
        (SELECT coalesce(shobj_description(oid, 'pg_authid'), '') FROM pg_roles WHERE rolname = $1) AS role_mark,
        (SELECT coalesce(shobj_description(datdba, 'pg_authid'), '') FROM pg_database WHERE datname = $2) AS mark,
        (SELECT datconnlimit = -2 FROM pg_database WHERE datname = $2) AS broken,
        EXISTS (SELECT FROM pg_database WHERE datname = $3) AS spare
"""


@attrs.frozen
class _Found:
    """The state before something is made.

    Attributes:
        version: of the server.
        open: whether every role may connect to a database that comes with a server.
        role_mark: None without a role of that name.
        mark: of the database's owner; None without a database of that name.
        broken: what an interrupted CREATE or DROP of it leaves, good for dropping only.
        spare: whether the database is there that a new server has.
    """

    version: int
    open: bool
    role_mark: str | None
    mark: str | None
    broken: bool | None
    spare: bool


async def create_tenant(
    admin: Administrator, name: str, owner: str, *, alone: bool = False, settings: Mapping[str, str] | None = None
) -> None:
    """Create a role that cannot log in and a database of its name, marked as this instance's, in one session.

    What logs in are roles of apps, see logins.py.

    Args:
        admin: the server.
        name: of both.
        owner: id of the instance.
        alone: whether no other app lives on the server. The role may then create databases, as test runners do. They
            do so from the database `postgres`: it may connect to that too.
        settings: of the database, see `configuring.statements`; its `locale` is by what texts are ordered.

    Raises:
        AlreadyExists: when one of them is there and not this instance's.
    """
    async with admin.session(patient=False) as connection, unblocked(admin, connection):
        found = await _look(connection, name, name)
        await _create_role(connection, found, name, owner, alone=alone)
        await _create_database(connection, found, name, name, owner, settings or {})
    if found.version < _OWN_SCHEMA:
        await own_schema(admin, name, name)
    await extending.change(admin, name, {}, settings or {})


async def create_database(
    admin: Administrator, database: str, role: str, owner: str, settings: Mapping[str, str] | None = None
) -> None:
    """Create a database that belongs to the role of this instance. No other role can connect to it at any time.

    Raises:
        AlreadyExists: when there is one of that name with another owner.
    """
    async with admin.session() as connection, unblocked(admin, connection):
        found = await _look(connection, role, database)
        await _create_database(connection, found, database, role, owner, settings or {})
    if found.version < _OWN_SCHEMA:
        await own_schema(admin, database, role)
    await extending.change(admin, database, {}, settings or {})


async def _look(connection: asyncpg.Connection, role: str, database: str) -> _Found:
    return _Found(**dict(await connection.fetchrow(_LOOK, role, database, SPARE)))


async def _create_role(
    connection: asyncpg.Connection,
    found: _Found,
    role: str,
    owner: str,
    *,
    alone: bool,
) -> None:
    if found.open:
        await _close_doors(connection)
    if found.role_mark not in {None, MARK + owner}:
        raise AlreadyExists(f"cannot create role {role}", "the server has one that is not this instance's")
    create = found.role_mark is None
    # One message to the server is one transaction.
    await execute_all(
        connection,
        *((("CREATE ROLE %I", role), ("COMMENT ON ROLE %I IS %L", role, MARK + owner)) if create else ()),
        (_ALTER_ROLE, role, "CREATEDB" if alone else "NOCREATEDB"),
        *((("GRANT CONNECT ON DATABASE %I TO %I", DATABASE, role),) if alone else ()),
    )


async def _create_database(
    connection: asyncpg.Connection, found: _Found, database: str, role: str, owner: str, settings: Mapping[str, str]
) -> None:
    if found.mark not in {None, MARK + owner}:
        raise AlreadyExists(f"cannot create database {database}", "the server has one that is not this instance's")
    if found.broken:
        await execute(connection, "DROP DATABASE %I", database)
    locale, opening = settings.get(LOCALE, ""), (*_let_in(database), *statements(database, {}, settings))
    if found.mark is None and found.spare and not locale and await _take_spare(connection, database, role, opening):
        return
    if found.mark is None or found.broken:
        order, *values = order_of(locale)
        create = f"CREATE DATABASE %I OWNER %I TEMPLATE template0 ALLOW_CONNECTIONS false{order}"
        await execute(connection, create, database, role, *values)
    await execute_all(connection, *opening)


async def _take_spare(
    connection: asyncpg.Connection, database: str, role: str, opening: Sequence[tuple[str, ...]]
) -> bool:
    """Give the spare database to the role; False when another app has just taken it."""
    import asyncpg

    taking = ("ALTER DATABASE %I RENAME TO %I", SPARE, database), ("ALTER DATABASE %I OWNER TO %I", database, role)
    try:
        await execute_all(connection, *taking, *opening)
    except (asyncpg.InvalidCatalogNameError, asyncpg.InternalServerError) as error:
        if isinstance(error, asyncpg.InternalServerError) and not is_contended(error):
            raise
        return False
    return True


def _let_in(database: str) -> tuple[tuple[str, ...], ...]:
    """Return statements that let the owner of a database connect, and no other role."""
    return (
        ("REVOKE ALL ON DATABASE %I FROM PUBLIC", database),
        ("ALTER DATABASE %I ALLOW_CONNECTIONS true", database),
    )


async def own_schema(admin: Administrator, database: str, role: str) -> None:
    """Give schema `public` to the role alone, as it is by itself since version 15."""
    async with admin.session(database) as connection:
        await execute(connection, "ALTER SCHEMA public OWNER TO %I", role)
        await connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


async def list_claims(admin: Administrator) -> tuple[str, ...]:
    """Return names of the roles that carry a mark: what instances have, or had, on this server."""
    async with admin.session() as connection:
        rows = await connection.fetch(
            "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') LIKE $1 ORDER BY rolname",
            f"{MARK}%",
        )
    return tuple(row["rolname"] for row in rows)


async def read_verifiers(admin: Administrator, roles: Collection[str]) -> dict[str, str]:
    """Return what the server keeps of the passwords of roles that may log in."""
    query = "SELECT rolname, rolpassword FROM pg_authid WHERE rolname = ANY ($1::text[]) AND rolcanlogin"
    async with admin.session() as connection:
        return {row["rolname"]: row["rolpassword"] or "" for row in await connection.fetch(query, list(roles))}


async def list_databases(admin: Administrator) -> tuple[str, ...]:
    """Return the names of the databases that can be connected to."""
    async with admin.session() as connection:
        rows = await connection.fetch("SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname")
    return tuple(row["datname"] for row in rows)


async def drop_claim(admin: Administrator, claim: str) -> None:
    """Remove a marked role and its database, of any owner. Does nothing if they don't exist.

    Raises:
        Conflict: when the role has no mark: it is the system's, or an operator's own.
    """
    async with admin.session() as connection:
        mark = await mark_of(connection, claim)
    if mark is None:
        return
    if not mark.startswith(MARK):
        raise Conflict(f"cannot drop {claim}", "no instance made it", "drop it by hand if it is not needed")
    await remove(admin, claim, mark.removeprefix(MARK))


async def _close_doors(connection: asyncpg.Connection) -> None:
    """Close the databases that come with a server: only the superuser needs them.

    Two sessions that do this at once fail with "tuple concurrently updated"; hence the lock, and the look first.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _DOORS_LOCK)
        for database in ("postgres", "template1"):
            if await connection.fetchval("SELECT has_database_privilege('public', $1, 'CONNECT, TEMPORARY')", database):
                await execute(connection, "REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC", database)


async def set_password(server: Administrator, password: Secret) -> None:
    """Give the superuser another password. The statement has its verifier only."""
    async with server.session() as connection:
        await execute(connection, f"ALTER ROLE {ADMINISTRATOR} PASSWORD %L", verifier(password.reveal()))
