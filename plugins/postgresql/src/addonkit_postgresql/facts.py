"""Facts of a database that a server of another version or make may not share: its extensions, the order of texts."""

from __future__ import annotations

from typing import Final

from addonkit import Fact, Facts
from addonkit_postgresql.session import Administrator

_EXTENSIONS: Final = """
    SELECT name, coalesce(installed_version, default_version) AS version, installed_version IS NOT NULL AS used
    FROM pg_available_extensions WHERE name <> 'plpgsql'
    UNION SELECT extname, extversion, true FROM pg_extension WHERE extname <> 'plpgsql'
    ORDER BY name
"""

_COLLATIONS: Final = """
    SELECT 'the default collation' AS name,
      concat_ws(' ', CASE to_jsonb(d)->>'datlocprovider' WHEN 'b' THEN 'builtin' WHEN 'i' THEN 'ICU' ELSE 'libc' END,
        coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale', d.datcollate),
        to_jsonb(d)->>'datcollversion') AS value, true AS used
    FROM pg_database d WHERE datname = current_database()
    UNION ALL
    SELECT format('collation %I', c.collname), concat_ws(' ', c.collprovider, pg_collation_actual_version(c.oid)),
      EXISTS (SELECT FROM pg_attribute a JOIN pg_class r ON r.oid = a.attrelid
        WHERE a.attcollation = c.oid AND r.relkind IN ('r', 'm', 'i', 'p') AND r.oid >= 16384)
    FROM pg_collation c
    WHERE c.collnamespace = 'pg_catalog'::regnamespace AND c.collprovider IN ('c', 'i', 'b')
      AND c.collencoding IN (-1, (SELECT encoding FROM pg_database WHERE datname = current_database()))
"""
"""An index is in the order of the library that sorted it; a restore sorts anew, and apps may see another order.
Columns of older servers are asked for by name, as `to_jsonb` leaves out those that they do not have."""


async def facts_of(server: Administrator, database: str) -> Facts:
    """Ask a server what a database uses, and what else there is."""
    async with server.session(database) as connection:
        extensions = await connection.fetch(_EXTENSIONS)
        collations = await connection.fetch(_COLLATIONS)
    found = {
        f"extension {row['name']}": Fact(f"extension {row['name']}", row["version"], row["used"]) for row in extensions
    }
    found |= {row["name"]: Fact(row["name"], row["value"], row["used"]) for row in collations}
    return Facts(tuple(found.values()))
