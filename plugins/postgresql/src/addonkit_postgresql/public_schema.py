"""Brings back what became of the schema `public` that each database is made with: a dump says nothing of that.

A dump tells which rights differ from the first ones. A schema that was renamed is made anew by a restore, with none.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from addonkit import ArchiveWriter, Tenant
from addonkit_postgresql.kept_settings import chunks
from addonkit_postgresql.session import Administrator, execute

if TYPE_CHECKING:
    import asyncpg

WITHOUT: Final = "without-schema-public"
"""An empty member: the database has no schema `public`."""

RENAMED: Final = "renamed-schema-public.json"
"""A member: the name that the first schema has now, and the first rights that everybody still has in it."""

_HAS_PUBLIC: Final = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public')"

_LOOK: Final = """
    SELECT nspname AS name, array(
      SELECT privilege_type FROM aclexplode(nspacl) WHERE grantee = 0
      INTERSECT SELECT privilege_type FROM pg_init_privs, aclexplode(initprivs)
        WHERE classoid = 'pg_namespace'::regclass AND objoid = n.oid AND grantee = 0) AS rights
    FROM pg_namespace n WHERE oid = 2200 AND nspname <> 'public'
"""

_RIGHTS: Final = frozenset({"USAGE", "CREATE"})


async def write_public(connection: asyncpg.Connection, archive: ArchiveWriter) -> None:
    """Write what has to be done behind the dump of this database."""
    if not await connection.fetchval(_HAS_PUBLIC):
        await archive.write(WITHOUT, chunks(b""), 0)
    renamed = await connection.fetchrow(_LOOK)
    if renamed is not None:
        content = json.dumps({"name": renamed["name"], "rights": sorted(renamed["rights"])}).encode()
        await archive.write(RENAMED, chunks(content), len(content))


async def drop_public(server: Administrator, tenant: Tenant) -> None:
    """Leave the database without the schema that it was made with."""
    async with server.session(tenant.claim) as connection:
        await connection.execute("DROP SCHEMA IF EXISTS public")


async def grant_first_rights(server: Administrator, tenant: Tenant, content: bytes) -> None:
    """Give everybody the rights that a new schema has not."""
    told: dict[str, Any] = json.loads(content)
    async with server.session(tenant.claim) as connection:
        for right in sorted(_RIGHTS.intersection(told["rights"])):
            await execute(connection, f"GRANT {right} ON SCHEMA %I TO PUBLIC", str(told["name"]))
