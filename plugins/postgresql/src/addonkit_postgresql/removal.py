"""Removes a tenant, whatever it or its neighbours do against it.

The tenant is logged out first, so that it has no access whatever happens next; then its databases go, then its role.
Sessions that hold what has to go are ended. Each part is safe to repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from addonkit import TransientError
from addonkit_postgresql.blockers import unblocked
from addonkit_postgresql.marks import LOGIN_MARK, marked_for
from addonkit_postgresql.session import STATEMENT_LIMIT, Administrator, execute, execute_all, is_contended

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

_END_DATABASE: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = $1 AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

_LOGINS: Final = "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') = $1 ORDER BY rolname"

_MEMBERS: Final = """
    SELECT m.rolname AS member, g.rolname AS grantor
    FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid
    JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.grantor
    WHERE r.rolname = $1
"""

_OWNED: Final = """
    SELECT d.datname, d.datallowconn, d.datconnlimit = -2 AS broken
    FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE r.rolname = $1 ORDER BY d.datname
"""

_ELSEWHERE: Final = """
    SELECT DISTINCT d.datname, d.datallowconn, d.datconnlimit = -2 AS broken
    FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
    JOIN pg_roles r ON r.oid = s.refobjid AND s.refclassid = 'pg_authid'::regclass
    WHERE r.rolname = ANY ($1::text[]) AND d.datname <> current_database()
"""

_KEPT: Final = """
    SELECT EXISTS (SELECT FROM pg_replication_slots WHERE database = $1)
        OR EXISTS (SELECT FROM pg_prepared_xacts WHERE database = $1)
        OR EXISTS (SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = $1)
"""
"""Whether a database has what keeps it from being dropped."""

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
        if not await marked_for(connection, role, owner):
            return
        async with unblocked(admin, connection):
            logins = [row["rolname"] for row in await connection.fetch(_LOGINS, LOGIN_MARK + owner)]
            await _log_out(connection, role, logins)
            for database in await connection.fetch(_OWNED, role):
                await _drop_database(admin, connection, database)
        await _drop_roles(admin, connection, (*logins, role))


async def drop_login(admin: Administrator, connection: asyncpg.Connection, name: str, owner: str) -> None:
    """Drop a role that an app logged in with and that has no session any more; what it owns goes to the owner."""
    await _drop_roles(admin, connection, (name,), heir=owner)


async def _log_out(connection: asyncpg.Connection, role: str, logins: Sequence[str]) -> None:
    """End the sessions of a role and its logins, and let none begin; take it from those that may act as it."""
    roles = [*logins, role]
    await connection.execute(END_ROLES, roles)
    await execute_all(
        connection, *(("ALTER ROLE %I WITH NOLOGIN PASSWORD NULL CONNECTION LIMIT 0", each) for each in roles)
    )
    members = await connection.fetch(_MEMBERS, role)
    by_grantor = connection.get_server_version().major >= _PER_ROLE_GRANTOR
    for member, grantor in members:
        if by_grantor:
            await execute(connection, "REVOKE %I FROM %I GRANTED BY %I CASCADE", role, member, grantor)
        else:
            await execute(connection, "REVOKE %I FROM %I CASCADE", role, member)
    # Again: a session may have begun, or become this role, before that.
    await connection.execute(END_ROLES, list({*roles, *(member for member, _ in members)}))


async def _drop_database(admin: Administrator, connection: asyncpg.Connection, found: asyncpg.Record) -> None:
    database = found["datname"]
    if not found["broken"]:
        await _release(admin, connection, database)
        await execute(connection, "ALTER DATABASE %I WITH IS_TEMPLATE false ALLOW_CONNECTIONS false", database)
        await connection.execute(_END_DATABASE, database)
    await execute(connection, "DROP DATABASE IF EXISTS %I WITH (FORCE)", database, limit=DROP_LIMIT)


async def _release(admin: Administrator, connection: asyncpg.Connection, database: str) -> None:
    """Remove what keeps a database from being dropped even by force."""
    if not await connection.fetchval(_KEPT, database):
        return
    slots = await connection.fetch(
        "SELECT slot_name, active_pid FROM pg_replication_slots WHERE database = $1", database
    )
    for slot in slots:
        await connection.execute("SELECT pg_terminate_backend($1)", slot["active_pid"])
        await connection.execute("SELECT pg_drop_replication_slot($1)", slot["slot_name"])
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
        elsewhere = await connection.fetch(_ELSEWHERE, roles)
        try:
            for database in elsewhere:
                await _disown_in(admin, roles, database, heir)
            await execute(connection, f"DROP OWNED BY {_names(roles)}", *roles, limit=DROP_LIMIT)
            neighbour = next((each["datname"] for each in elsewhere if _is_open(each)), "")
            async with admin.session(neighbour) if neighbour else nullcontext(connection) as inside:
                await _drop_empty_roles(admin, inside, roles)
        except Exception as error:
            cause = error.__cause__ if isinstance(error, TransientError) else error
            if not (further and is_contended(cause)):
                raise
            await _end_sessions(admin, [each["datname"] for each in elsewhere])
        else:
            return


async def _drop_empty_roles(admin: Administrator, inside: asyncpg.Connection, roles: Sequence[str]) -> None:
    """Drop roles that have nothing any more. A neighbour may grant them something all the time: then from its database.

    The lock keeps everybody from granting for the moment that this takes.
    """
    async with unblocked(admin, inside), inside.transaction():
        await inside.execute("LOCK TABLE pg_catalog.pg_shdepend IN SHARE ROW EXCLUSIVE MODE")
        names = _names(roles)
        statements = (f"DROP OWNED BY {names} CASCADE", *roles), (f"DROP ROLE IF EXISTS {names}", *roles)
        await execute_all(inside, *statements, limit=DROP_LIMIT)


def _names(roles: Sequence[str]) -> str:
    """Places in a template for the names of roles, with commas between."""
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
