"""Removes a tenant, whatever it or its neighbours do against it.

The tenant is logged out first, so that it has no access whatever happens next; then its databases go, then its role.
Sessions that hold what has to go are ended. Each part is safe to repeat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from addonkit import TransientError
from addonkit_postgresql.blockers import unblocked
from addonkit_postgresql.marks import LOGIN_MARK, MARK
from addonkit_postgresql.session import STATEMENT_LIMIT, Administrator, execute, is_contended

if TYPE_CHECKING:
    import asyncpg

DROP_LIMIT: Final = 600.0
"""Seconds that dropping one database, or what a role has in one, may take."""

_ROUNDS: Final = 10
"""How often the role is tried to be dropped while neighbours go on granting it something."""

_BATCH: Final = 500
"""Objects dropped at once where there are more than the server has room to lock."""

_PER_ROLE_GRANTOR: Final = 16
"""The first version in which each grantor's membership is one of its own."""

END_ROLES: Final = """
    SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
    WHERE r.rolname = ANY ($1::text[])
"""
"""Ends the sessions of roles."""

_END_ROLES_BY_ID: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid IN ({})"

_END_DATABASE: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = $1 AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

_TENANT: Final = """
    SELECT r.oid, quote_ident(r.rolname) AS name, coalesce(shobj_description(r.oid, 'pg_authid'), '') AS mark,
        ARRAY(SELECT l.rolname::text FROM pg_roles l WHERE shobj_description(l.oid, 'pg_authid') = $2
            ORDER BY l.rolname) AS logins,
        ARRAY(SELECT quote_ident(l.rolname) FROM pg_roles l WHERE shobj_description(l.oid, 'pg_authid') = $2
            ORDER BY l.rolname) AS login_names,
        ARRAY(SELECT l.oid FROM pg_roles l WHERE shobj_description(l.oid, 'pg_authid') = $2) AS login_ids
    FROM pg_roles r WHERE r.rolname = $1
"""
"""A role and its logins. The names are as statements take them."""

_MEMBERS: Final = """
    SELECT m.oid, quote_ident(m.rolname) AS member, quote_ident(g.rolname) AS grantor
    FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.grantor
    WHERE a.roleid = $1 AND a.member <> ALL ($2::oid[])
"""

_OWNED: Final = """
    SELECT d.oid, d.datname, quote_ident(d.datname) AS name, d.datconnlimit = -2 AS broken,
        EXISTS (SELECT FROM pg_replication_slots s WHERE s.database = d.datname)
        OR EXISTS (SELECT FROM pg_prepared_xacts p WHERE p.database = d.datname)
        OR EXISTS (SELECT FROM pg_subscription s WHERE s.subdbid = d.oid) AS kept
    FROM pg_database d WHERE d.datdba = $1 ORDER BY d.datname
"""
"""The databases of a role, and whether they have what keeps them from being dropped."""

_SLOTS_IN_USE: Final = "SELECT count(active_pid) FROM pg_replication_slots WHERE database = $1"

_END_READERS: Final = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = $1"
"""A slot that is not read goes with its database."""

_PAUSE: Final = 0.05
"""Seconds between two looks at whether a slot is still read."""

_LEFT: Final = """
    SELECT ARRAY(SELECT quote_ident(name) FROM unnest($1::text[]) AS names (name)) AS names,
        coalesce(bool_or(s.dbid IN (0, here.oid)), false) AS here,
        coalesce(bool_or(s.dbid NOT IN (0, here.oid)), false) AS elsewhere
    FROM pg_shdepend s
    JOIN pg_roles r ON r.oid = s.refobjid AND s.refclassid = 'pg_authid'::regclass
    JOIN pg_database here ON here.datname = current_database()
    WHERE r.rolname = ANY ($1::text[])
"""
"""Whether roles have anything left: in this database or of the whole server, and in other databases."""

_ELSEWHERE: Final = """
    SELECT DISTINCT d.datname, d.datallowconn, d.datconnlimit = -2 AS broken
    FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
    JOIN pg_roles r ON r.oid = s.refobjid AND s.refclassid = 'pg_authid'::regclass
    WHERE r.rolname = ANY ($1::text[]) AND d.datname <> current_database()
"""

_OWNED_OBJECTS: Final = """
    SELECT c.oid::regclass::text AS name, c.relkind FROM pg_shdepend s JOIN pg_class c ON c.oid = s.objid
    JOIN pg_roles r ON r.oid = s.refobjid
    WHERE s.classid = 'pg_class'::regclass AND s.deptype = 'o' AND r.rolname = ANY ($1::text[])
    AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND c.relkind IN ('r', 'p', 'v', 'S')
    LIMIT $2
"""

_KINDS: Final = {"r": "TABLE", "p": "TABLE", "v": "VIEW", "S": "SEQUENCE"}


async def remove(admin: Administrator, role: str, owner: str) -> None:
    """Remove the role if it is this instance's, with its databases and all that others granted to it.

    Does nothing if there is no such role.
    """
    async with admin.session() as connection:
        tenant = await connection.fetchrow(_TENANT, role, LOGIN_MARK + owner)
        if tenant is None or tenant["mark"] != MARK + owner:
            return
        async with unblocked(admin, connection):
            await _log_out(connection, tenant)
            for database in await connection.fetch(_OWNED, tenant["oid"]):
                await drop_database(admin, connection, database)
        await _drop_roles(admin, connection, (*tenant["logins"], role))


async def drop_login(admin: Administrator, connection: asyncpg.Connection, name: str, owner: str) -> None:
    """Drop a role that an app logged in with and that has no session any more; what it owns goes to the owner."""
    await _drop_roles(admin, connection, (name,), heir=owner)


async def _log_out(connection: asyncpg.Connection, tenant: asyncpg.Record) -> None:
    """End the sessions of a role and its logins, and let none begin; take it from others that may act as it."""
    ids = [tenant["oid"], *tenant["login_ids"]]
    shut = "; ".join(
        f"ALTER ROLE {name} WITH NOLOGIN PASSWORD NULL CONNECTION LIMIT 0"
        for name in (*tenant["login_names"], tenant["name"])
    )
    # One message to the server is one transaction.
    await connection.execute(f"{_end_roles(ids)}; {shut}", timeout=STATEMENT_LIMIT)
    members = await connection.fetch(_MEMBERS, tenant["oid"], ids)
    by_grantor = connection.get_server_version().major >= _PER_ROLE_GRANTOR
    for _id, member, grantor in members:
        by = f" GRANTED BY {grantor}" if by_grantor else ""
        await connection.execute(f"REVOKE {tenant['name']} FROM {member}{by} CASCADE", timeout=STATEMENT_LIMIT)
    # Again: a session may have begun, or become this role, before that.
    await connection.execute(_end_roles([*ids, *(each["oid"] for each in members)]), timeout=STATEMENT_LIMIT)


def _end_roles(ids: Sequence[int]) -> str:
    return _END_ROLES_BY_ID.format(", ".join(map(str, ids)))


async def drop_database(admin: Administrator, connection: asyncpg.Connection, found: asyncpg.Record) -> None:
    """Drop a database, whatever is in it, by a row of `_OWNED`."""
    name = found["name"]
    if not found["broken"]:
        if found["kept"]:
            await _release(admin, connection, found["datname"])
        shut = f"ALTER DATABASE {name} WITH IS_TEMPLATE false ALLOW_CONNECTIONS false"
        await connection.execute(shut, timeout=STATEMENT_LIMIT)
        await connection.execute(_END_DATABASE, found["datname"])
    await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", timeout=DROP_LIMIT)


async def _release(admin: Administrator, connection: asyncpg.Connection, database: str) -> None:
    """Remove what keeps a database from being dropped even by force."""
    while await connection.fetchval(_SLOTS_IN_USE, database):
        await connection.execute(_END_READERS, database)
        await asyncio.sleep(_PAUSE)
    prepared = await connection.fetch("SELECT gid AS name FROM pg_prepared_xacts WHERE database = $1", database)
    subscriptions = await connection.fetch(
        "SELECT subname AS name FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = $1",
        database,
    )
    if not (prepared or subscriptions):
        return
    await execute(connection, "ALTER DATABASE %I WITH ALLOW_CONNECTIONS true", database)
    async with admin.session(database) as inside:
        for each in prepared:
            await execute(inside, "ROLLBACK PREPARED %L", each["name"])
        for each in subscriptions:
            await execute(inside, "ALTER SUBSCRIPTION %I DISABLE", each["name"])
            await execute(inside, "ALTER SUBSCRIPTION %I SET (slot_name = NONE)", each["name"])
            await execute(inside, "DROP SUBSCRIPTION %I", each["name"])


async def _drop_roles(
    admin: Administrator, connection: asyncpg.Connection, roles: Sequence[str], *, heir: str = ""
) -> None:
    """Drop roles; what they own goes to the heir, a role as well, or is dropped without one."""
    for further in reversed(range(_ROUNDS)):
        left = await connection.fetchrow(_LEFT, roles)
        names = ", ".join(left["names"])
        elsewhere = await connection.fetch(_ELSEWHERE, roles) if left["elsewhere"] else ()
        try:
            for database in elsewhere:
                await _disown_in(admin, roles, database, heir)
            if left["here"]:
                await connection.execute(f"DROP OWNED BY {names}", timeout=DROP_LIMIT)
            neighbour = next((each["datname"] for each in elsewhere if _is_open(each)), "")
            async with admin.session(neighbour) if neighbour else nullcontext(connection) as inside:
                await _drop_empty_roles(admin, inside, names)
        except Exception as error:
            cause = error.__cause__ if isinstance(error, TransientError) else error
            if not (further and is_contended(cause)):
                raise
            await _end_sessions(admin, [each["datname"] for each in elsewhere])
        else:
            return


async def _drop_empty_roles(admin: Administrator, inside: asyncpg.Connection, names: str) -> None:
    """Drop roles that have nothing any more. A neighbour may grant them something all the time: then from its database.

    The lock keeps everybody from granting for the moment that this takes. One message to the server is one transaction.
    """
    statements = (
        "LOCK TABLE pg_catalog.pg_shdepend IN SHARE ROW EXCLUSIVE MODE",
        f"DROP OWNED BY {names} CASCADE",
        f"DROP ROLE IF EXISTS {names}",
    )
    async with unblocked(admin, inside):
        await inside.execute("; ".join(statements), timeout=DROP_LIMIT)


def _names(roles: Sequence[str]) -> str:
    """Return places in a template for the names of roles, with commas between."""
    return ", ".join(["%I"] * len(roles))


def _is_open(database: asyncpg.Record) -> bool:
    return bool(database["datallowconn"] and not database["broken"])


async def _end_sessions(admin: Administrator, databases: Sequence[str]) -> None:
    """End the sessions of neighbours that grant something to the role as fast as it is taken away."""
    async with admin.session() as connection:
        for database in databases:
            await connection.execute(_END_DATABASE, database)


async def _disown_in(admin: Administrator, roles: Sequence[str], found: asyncpg.Record, heir: str) -> None:
    """Take from the roles what they have in a neighbour's database, one that is closed included."""
    database = found["datname"]
    if found["broken"]:  # an interrupted CREATE or DROP: it holds nothing, and can only be dropped
        async with admin.session() as connection:
            await execute(connection, "DROP DATABASE IF EXISTS %I WITH (FORCE)", database, limit=DROP_LIMIT)
        return
    if not found["datallowconn"]:
        await _allow(admin, database, allowed=True)
    try:
        async with admin.session(database) as inside, unblocked(admin, inside):
            if heir:
                await execute(inside, f"REASSIGN OWNED BY {_names(roles)} TO %I", *roles, heir, limit=DROP_LIMIT)
            await _drop_owned(inside, roles)
    finally:
        if not found["datallowconn"]:
            await _allow(admin, database, allowed=False)


async def _allow(admin: Administrator, database: str, *, allowed: bool) -> None:
    async with admin.session() as connection, unblocked(admin, connection):
        await execute(connection, "ALTER DATABASE %I WITH ALLOW_CONNECTIONS %s", database, str(allowed).lower())


async def _drop_owned(inside: asyncpg.Connection, roles: Sequence[str]) -> None:
    import asyncpg

    while True:
        try:
            return await execute(inside, f"DROP OWNED BY {_names(roles)} CASCADE", *roles, limit=DROP_LIMIT)
        except asyncpg.OutOfMemoryError:  # more objects than the server has room to lock
            objects = await inside.fetch(_OWNED_OBJECTS, roles, _BATCH, timeout=STATEMENT_LIMIT)
            if not objects:
                raise
            await _drop_some(inside, objects)


async def _drop_some(inside: asyncpg.Connection, objects: Sequence[asyncpg.Record]) -> None:
    for each in objects:
        kind = _KINDS[each["relkind"].decode()]
        await inside.execute(f"DROP {kind} IF EXISTS {each['name']} CASCADE")
