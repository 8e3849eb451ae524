"""Makes a server that was copied the tenant's own: its names, no login, and nothing that is not its database's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from addonkit_postgresql import admin
from addonkit_postgresql.marks import LOGIN_MARK, MARK
from addonkit_postgresql.removal import drop_database, drop_login
from addonkit_postgresql.session import DATABASE, Administrator, execute, execute_all

if TYPE_CHECKING:
    from addonkit import Tenant

_TEMPLATE: Final = "template1"

_OTHER_DATABASES: Final = """
    SELECT d.oid, d.datname, quote_ident(d.datname) AS name, d.datconnlimit = -2 AS broken, true AS kept
    FROM pg_database d WHERE d.datname NOT IN ($1, 'template0', 'template1', 'postgres')
"""

_LOGINS: Final = """
    SELECT r.rolname FROM pg_roles r JOIN pg_shdescription c ON c.objoid = r.oid AND c.classoid = 'pg_authid'::regclass
    WHERE r.rolname <> $1 AND (c.description LIKE $2 OR c.description LIKE $3)
"""


async def adopt(server: Administrator, source: str, tenant: Tenant) -> None:
    """Give a copied database and its owner the name and mark of a tenant; remove what belongs to others.

    Args:
        server: that was copied. No role can log in but its superuser.
        source: name of the database and of its owner.
        tenant: whose they become.
    """
    name = tenant.claim
    async with server.session() as connection:
        for each in await connection.fetch(_OTHER_DATABASES, source):
            await drop_database(server, connection, each)
        for row in await connection.fetch(_LOGINS, source, f"{LOGIN_MARK}%", f"{MARK}%"):
            await drop_login(server, connection, row["rolname"], source)
        if source != name:
            await execute(connection, "ALTER DATABASE %I RENAME TO %I", source, name)
            await execute(connection, "ALTER ROLE %I RENAME TO %I", source, name)
        await execute_all(
            connection,
            ("COMMENT ON ROLE %I IS %L", name, MARK + tenant.owner),
            ("ALTER DATABASE %I CONNECTION LIMIT -1 IS_TEMPLATE false", name),
            ("ALTER DATABASE %I RESET default_transaction_read_only", name),
            ("ALTER DATABASE %I RESET temp_file_limit", name),
        )
    await _renew_own_database(server)
    await admin.create_tenant(server, name, tenant.owner, alone=True, settings=tenant.config)


async def _renew_own_database(server: Administrator) -> None:
    """Make the superuser's database anew: an app may connect to it, and leave large objects there."""
    async with server.session(_TEMPLATE) as connection:
        await execute(connection, "DROP DATABASE IF EXISTS %I WITH (FORCE)", DATABASE)
        await execute(connection, "CREATE DATABASE %I TEMPLATE template0", DATABASE)
