"""Roles that apps log in with. Each acts as the owner of its database, or is granted what its role says.

A session of such a login begins as the owner: what it makes belongs to the owner, whichever app made it. The login
tells sessions apart: `session_user`, and `usename` of `pg_stat_activity`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from addonkit import Conflict, InvalidInput, Login, Secret, Tenant
from addonkit_postgresql import grants
from addonkit_postgresql.blockers import unblocked
from addonkit_postgresql.marks import LOGIN_MARK, MARK, mark_of, marked_for
from addonkit_postgresql.naming import OWNER, READ_ONLY, ROLES
from addonkit_postgresql.removal import END_ROLES, drop_login
from addonkit_postgresql.scram import verifier
from addonkit_postgresql.session import Administrator, execute, execute_all

if TYPE_CHECKING:
    import asyncpg

_ALTER_LOGIN: Final = """
    ALTER ROLE %I WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT
    CONNECTION LIMIT %s PASSWORD %L
"""

_LOOK: Final = """
    SELECT (SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1) AS owner,
        (SELECT coalesce(shobj_description(oid, 'pg_authid'), '') FROM pg_roles WHERE rolname = $2) AS mark,
        EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole WHERE rolname = $1) AS settings
"""

_COUNT: Final = """
    SELECT count(*) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid WHERE r.rolname = $1
"""

_IN_TRANSACTION: Final = f"{_COUNT} AND a.xact_start IS NOT NULL"

_FORGET_SETTINGS: Final = """
    DELETE FROM pg_db_role_setting s USING pg_roles login WHERE login.oid = s.setrole AND login.rolname = $1
"""

_COPY_SETTINGS: Final = """
    INSERT INTO pg_db_role_setting
    SELECT s.setdatabase, login.oid, s.setconfig
    FROM pg_db_role_setting s JOIN pg_roles owner ON owner.oid = s.setrole, pg_roles login
    WHERE owner.rolname = $1 AND login.rolname = $2
"""
"""What `ALTER ROLE ... SET` has set for the owner holds for its logins: a session begins with those of its login."""

_PATIENCE: Final = 2.0
"""Seconds that transactions have to end by themselves when a login ends."""

_PAUSE: Final = 0.05


async def add_login(admin: Administrator, tenant: Tenant, login: Login, connections: int) -> None:
    """Let an app log in; the password of a login that is there is set again.

    Args:
        admin: the server.
        tenant: whose database it is.
        login: what the app is to have.
        connections: how many it may have at once; -1 is no limit.

    Raises:
        Conflict: the server has another role of that name, or not the tenant's.
        InvalidInput: there is no such role.
    """
    role = login.role or OWNER
    if role not in ROLES:
        raise InvalidInput(f"creating login {login.name}", f"there is no role {role!r}", f"use {', '.join(ROLES)}")
    async with admin.session(patient=False) as connection, unblocked(admin, connection):
        found = await connection.fetchrow(_LOOK, tenant.claim, login.name)
        _check(found, tenant, login.name)
        await execute_all(
            connection,
            *(() if found["mark"] is not None else _creating(tenant, login.name)),
            (_ALTER_LOGIN, login.name, str(connections), verifier(login.password.reveal())),
            *(_acting_as(tenant.claim, login.name) if role == OWNER else ()),
        )
        if found["settings"] and role == OWNER:
            await _copy_settings(connection, tenant.claim, login.name)
        if role == OWNER:
            return
        await grants.join(connection, tenant.claim, login.name, writes=role != READ_ONLY)
    await grants.open_database(admin, tenant.claim, writes=role != READ_ONLY)


async def remove_login(admin: Administrator, tenant: Tenant, name: str) -> None:
    """End a login; transactions have a moment to end, then its sessions do. Its objects go to the owner.

    Does nothing if there is no such login. The owner itself, with which apps of older releases log in, is only closed.
    """
    mark = LOGIN_MARK + tenant.owner
    async with admin.session() as connection:
        if name == tenant.claim:
            if await marked_for(connection, name, tenant.owner):
                await _close(connection, name)
            return
        if await mark_of(connection, name) != mark:
            return
        await _close(connection, name)
        await drop_login(admin, connection, name, tenant.claim)


async def count_sessions(admin: Administrator, name: str) -> int:
    """Return how many sessions of a login are open."""
    async with admin.session() as connection:
        return int(await connection.fetchval(_COUNT, name))


@asynccontextmanager
async def passing_login(admin: Administrator, tenant: Tenant) -> AsyncIterator[Login]:
    """Yield a login that acts as the owner while the block lasts; one that an interrupted run has left is made anew."""
    login = Login(f"addonkit.{tenant.owner}", Secret.generate())
    await add_login(admin, tenant, login, -1)
    try:
        yield login
    finally:
        await remove_login(admin, tenant, login.name)


def _check(found: asyncpg.Record, tenant: Tenant, name: str) -> None:
    if found["owner"] != MARK + tenant.owner:
        raise Conflict(f"creating login {name}", f"the server has no owner {tenant.claim}")
    if found["mark"] not in {None, LOGIN_MARK + tenant.owner}:
        raise Conflict(f"creating login {name}", "the server has a role of that name that is not this instance's")


def _creating(tenant: Tenant, name: str) -> tuple[tuple[str, ...], ...]:
    return ("CREATE ROLE %I", name), ("COMMENT ON ROLE %I IS %L", name, LOGIN_MARK + tenant.owner)


def _acting_as(owner: str, name: str) -> tuple[tuple[str, ...], ...]:
    return ("GRANT %I TO %I", owner, name), ("ALTER ROLE %I SET role = %L", name, owner)


async def _copy_settings(connection: asyncpg.Connection, owner: str, name: str) -> None:
    async with connection.transaction():
        await connection.execute(_FORGET_SETTINGS, name)
        await connection.execute(_COPY_SETTINGS, owner, name)
        await execute(connection, "ALTER ROLE %I SET role = %L", name, owner)


async def _close(connection: asyncpg.Connection, name: str) -> None:
    """Let no session begin, and end those that are there."""
    await execute(connection, "ALTER ROLE %I WITH NOLOGIN PASSWORD NULL", name)
    for _ in range(round(_PATIENCE / _PAUSE)):
        if not await connection.fetchval(_IN_TRANSACTION, name):
            break
        await asyncio.sleep(_PAUSE)
    await _end_sessions(connection, name)


async def _end_sessions(connection: asyncpg.Connection, name: str) -> None:
    while await connection.fetchval(_COUNT, name):
        await connection.execute(END_ROLES, [name])
        await asyncio.sleep(_PAUSE)
