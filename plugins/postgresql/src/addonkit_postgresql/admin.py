"""What is done inside a server, as its superuser. The only file that knows the driver and speaks SQL.

Every verb is safe to repeat. Roles carry the id of their instance in a comment, written in the
transaction that creates them: "already there and mine" is told from "already there and somebody else's".
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import attrs

from addonkit import AlreadyExists, Secret, ServerAddress, TransientError
from addonkit_postgresql.naming import ADMINISTRATOR
from addonkit_postgresql.scram import verifier

if TYPE_CHECKING:
    import asyncpg

_LIMIT: Final = 30.0
"""Seconds one statement may take."""

_MARK: Final = "addonkit:"

_CATALOG_LOCK: Final = 0x6164646F6E6B6974
"""Key of the advisory lock: "addonkit" in ASCII."""


@attrs.frozen
class Administrator:
    """How to become the superuser of a server."""

    address: ServerAddress
    password: Secret

    @asynccontextmanager
    async def catalog(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection that alone changes what all databases share.

        Two sessions that change one row of a shared catalog at once fail with "tuple concurrently updated".
        """
        async with self.session() as connection:
            await connection.execute("SELECT pg_advisory_lock($1)", _CATALOG_LOCK)
            yield connection

    @asynccontextmanager
    async def session(self, database: str = "postgres") -> AsyncIterator[asyncpg.Connection]:
        """A connection as the superuser.

        Raises:
            TransientError: when the server does not take connections right now.
        """
        import asyncpg

        attempted = f"connecting to the PostgreSQL server at {self.address.host}:{self.address.port}"
        try:
            connection = await asyncpg.connect(
                host=self.address.host,
                port=self.address.port,
                user=ADMINISTRATOR,
                password=self.password.reveal(),
                database=database,
                timeout=10,
                command_timeout=_LIMIT,
                ssl=False,
                server_settings={"application_name": "addonkit"},
            )
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError) as error:
            raise TransientError(attempted, str(error) or type(error).__name__) from error
        try:
            yield connection
        except (asyncpg.ConnectionDoesNotExistError, asyncpg.InterfaceError, asyncpg.AdminShutdownError) as error:
            raise TransientError(attempted, f"the connection was lost: {error}") from error
        finally:
            await connection.close(timeout=5)


async def create_role(admin: Administrator, role: str, password: Secret, owner: str, connections: int) -> None:
    """A role that may log in and nothing else, marked as this instance's; its password is set again if it is there.

    Args:
        admin: the server.
        role: its name.
        password: what it logs in with.
        owner: id of the instance.
        connections: how many it may have at once; -1 is no limit.

    Raises:
        AlreadyExists: when a role of that name is not this instance's.
    """
    async with admin.catalog() as connection, connection.transaction():
        mark = await _mark_of(connection, role)
        if mark is None:
            await _execute(connection, "CREATE ROLE %I", role)
            await _execute(connection, "COMMENT ON ROLE %I IS %L", role, _MARK + owner)
        elif mark != _MARK + owner:
            raise AlreadyExists(f"cannot create role {role}", "the server has one that is not this instance's")
        await _execute(
            connection,
            "ALTER ROLE %I WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
            f" CONNECTION LIMIT {int(connections)} PASSWORD %L",
            role,
            verifier(password.reveal()),
        )


async def create_database(admin: Administrator, database: str, role: str) -> None:
    """A database that belongs to the role and that nobody else can connect to.

    Raises:
        AlreadyExists: when there is one of that name with another owner.
    """
    async with admin.catalog() as connection:
        await _close_doors(connection)
        owner = await connection.fetchval(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1", database
        )
        if owner is None:
            await _execute(connection, "CREATE DATABASE %I OWNER %I TEMPLATE template0", database, role)
        elif owner != role:
            raise AlreadyExists(f"cannot create database {database}", f"the server has one that belongs to {owner}")
        await _execute(connection, "REVOKE ALL ON DATABASE %I FROM PUBLIC", database)
    async with admin.session(database) as connection:
        # Before version 15 everybody may create in schema public.
        await connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        await _execute(connection, "GRANT ALL ON SCHEMA public TO %I", role)


async def drop_database(admin: Administrator, database: str, role: str) -> None:
    """Remove the database if it is the role's; sessions in it are ended. What is gone is success."""
    async with admin.catalog() as connection:
        owner = await connection.fetchval(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1", database
        )
        if owner == role:
            await _execute(connection, "ALTER ROLE %I NOLOGIN", role)
            await _execute(connection, "DROP DATABASE IF EXISTS %I WITH (FORCE)", database)


async def drop_role(admin: Administrator, role: str, owner: str) -> None:
    """Remove the role if it is this instance's. What is gone, or somebody else's, is success."""
    async with admin.catalog() as connection:
        if await _mark_of(connection, role) != _MARK + owner:
            return
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid()",
            role,
        )
        await _execute(connection, "DROP OWNED BY %I", role)
        await _execute(connection, "DROP ROLE IF EXISTS %I", role)


async def list_claims(admin: Administrator) -> tuple[str, ...]:
    """Names of the roles that carry a mark: what instances have, or had, on this server."""
    async with admin.session() as connection:
        rows = await connection.fetch(
            "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') LIKE $1 ORDER BY rolname",
            f"{_MARK}%",
        )
    return tuple(row["rolname"] for row in rows)


async def drop_claim(admin: Administrator, claim: str) -> None:
    """Remove a marked role and its database, whoever's they were. A name without a mark is left alone."""
    async with admin.session() as connection:
        mark = await _mark_of(connection, claim)
    if mark is not None and mark.startswith(_MARK):
        await drop_database(admin, claim, claim)
        await drop_role(admin, claim, mark.removeprefix(_MARK))


async def _close_doors(connection: asyncpg.Connection) -> None:
    """Nobody but the superuser has business in the databases that come with a server."""
    for database in ("postgres", "template1"):
        await _execute(connection, "REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC", database)


async def _mark_of(connection: asyncpg.Connection, role: str) -> str | None:
    """The comment on a role, empty without one; None when there is no such role."""
    row = await connection.fetchrow(
        "SELECT coalesce(shobj_description(oid, 'pg_authid'), '') AS mark FROM pg_roles WHERE rolname = $1", role
    )
    return None if row is None else str(row["mark"])


async def _execute(connection: asyncpg.Connection, template: str, *values: str) -> None:
    """Run a statement whose identifiers and literals the server itself quotes."""
    marks = ", ".join(f"${number}::text" for number in range(2, len(values) + 2))
    statement = await connection.fetchval(f"SELECT format($1, {marks})", template, *values)
    await connection.execute(statement)
