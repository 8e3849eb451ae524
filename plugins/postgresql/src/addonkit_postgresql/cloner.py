"""Copies of a database, for tests: PostgreSQL makes any database from another one as its template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from addonkit import ServerAccess
from addonkit.testing import Cloner
from addonkit_postgresql.session import execute
from addonkit_postgresql.tenants import administrator

_END_SESSIONS: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"

_OWNER: Final = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1"

_COPY_SETTINGS: Final = """
    INSERT INTO pg_db_role_setting
    SELECT copy.oid, setrole, setconfig
    FROM pg_db_role_setting JOIN pg_database template ON template.oid = setdatabase, pg_database copy
    WHERE template.datname = $1 AND copy.datname = $2
"""
"""What ALTER DATABASE ... SET and ALTER ROLE ... IN DATABASE ... SET have set: CREATE DATABASE does not copy it."""


class DatabaseCloner(Cloner):
    """A copy is a database on the same server, with the same owner. See CREATE DATABASE, parameter TEMPLATE."""

    def variables(self, template: Mapping[str, str], name: str) -> dict[str, str]:
        """See Cloner."""
        url = urlsplit(template["DATABASE_URL"])._replace(path=f"/{name}").geturl()
        return {**template, "DATABASE_URL": url, "PGDATABASE": name}

    async def seal(self, access: ServerAccess, template: Mapping[str, str]) -> None:
        """See Cloner. A database with a session cannot be copied."""
        database = template["PGDATABASE"]
        async with administrator(access).session() as connection:
            await execute(connection, "ALTER DATABASE %I ALLOW_CONNECTIONS false", database)
            await connection.execute(_END_SESSIONS, database)

    async def clone(self, access: ServerAccess, template: Mapping[str, str], copy: Mapping[str, str]) -> None:
        """See Cloner."""
        source, database = template["PGDATABASE"], copy["PGDATABASE"]
        async with administrator(access).session() as connection:
            owner = str(await connection.fetchval(_OWNER, source))
            await execute(connection, "CREATE DATABASE %I OWNER %I TEMPLATE %I", database, owner, source)
            await execute(connection, "REVOKE ALL ON DATABASE %I FROM PUBLIC", database)
            await connection.execute(_COPY_SETTINGS, source, database)

    async def drop(self, access: ServerAccess, copy: Mapping[str, str]) -> None:
        """See Cloner."""
        async with administrator(access).session() as connection:
            await execute(connection, "DROP DATABASE IF EXISTS %I WITH (FORCE)", copy["PGDATABASE"])
