"""The fingerprint of a database: each table's rows, large objects, sequences, and the schema.

The superuser reads, and calls nothing that a tenant has made: values become text by output functions, never by a cast.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Final

from addonkit import Fingerprint, Part, SetDigest
from addonkit_postgresql.catalog import PARTS
from addonkit_postgresql.kept_settings import FIND
from addonkit_postgresql.options import OF_A_DATABASE
from addonkit_postgresql.row_digests import Column, digest_query

if TYPE_CHECKING:
    import asyncpg

LIMIT: Final = 86_400.0
"""Seconds that one query may take."""

_TEXT: Final = """
    SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'iso_8601'; SET LOCAL timezone = 'UTC';
    SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 3; SET LOCAL lc_monetary = 'C';
    SET LOCAL row_security = off; SET LOCAL xmloption = 'content'; SET LOCAL search_path = pg_catalog;
    SET LOCAL quote_all_identifiers = off; SET LOCAL max_parallel_workers_per_gather = 2; SET LOCAL jit = off;
    SET LOCAL lock_timeout = '{lock_limit}s'
"""
"""How values become text, whatever was set for the database."""

LOCK_LIMIT: Final = 600
"""Seconds to wait for a table that an app keeps locked."""

_TABLES_ALONE: Final = """
    SELECT set_config(name, 'view, foreign-table', true) FROM pg_settings
    WHERE name = 'restrict_nonsystem_relation_kind'
"""
"""An app can put a view in the place of a table that was just listed. Its functions would run with the rights of the
superuser, and COPY TO PROGRAM works in a transaction that only reads. Minor releases since August 2024 know this."""

_TABLES: Final = """
    SELECT format('%I.%I', n.nspname, c.relname) AS name,
      array(SELECT format('%I', attname) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
        ORDER BY attnum) AS columns,
      array(SELECT atttypid FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
        ORDER BY attnum) AS types
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
        AND d.deptype = 'e')
    ORDER BY name
"""

_SIZES: Final = """
    SELECT format('%I.%I', n.nspname, c.relname) AS name, sum(pg_relation_size(f.oid))::bigint AS size,
      string_agg(pg_relation_size(f.oid)::text, ' ' ORDER BY f.relkind, f.relname, f.oid) AS files
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class f ON f.oid = c.oid OR f.oid = c.reltoastrelid OR f.oid IN (
      SELECT indexrelid FROM pg_index WHERE indrelid IN (c.oid, c.reltoastrelid))
    WHERE c.relkind IN ('r', 'm') AND (n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      OR c.relname IN ('pg_largeobject', 'pg_largeobject_metadata'))
    GROUP BY c.oid, n.nspname, c.relname
"""
"""Bytes of each table with its indexes and its long values, which a copy by blocks has as well."""

WHOLE: Final = 1_073_741_819
"""Bytes that a large object has at most to be read at once."""

_OBJECTS: Final = """
    SELECT count(*) AS count, coalesce(sum(hashtextextended(CASE
        WHEN coalesce(size, 0) <= $1 THEN md5(lo_get(m.oid))
        ELSE (SELECT concat_ws(' ', size, sum(hashtextextended(md5(rtrim(data, '\\x00')), pageno))) FROM pg_largeobject
          WHERE loid = m.oid AND rtrim(data, '\\x00') <> '')
      END, hashoidextended(m.oid, 0))), 0)::text AS digest
    FROM pg_largeobject_metadata m LEFT JOIN LATERAL (
      SELECT pageno::bigint * (current_setting('block_size')::int / 4) + length(data) AS size FROM pg_largeobject
      WHERE loid = m.oid ORDER BY pageno DESC LIMIT 1) AS last ON true
"""
"""One that is larger is read page by page. Pages that were never written hold zeros, and are there after a restore."""

_SEQUENCES: Final = """
    SELECT format('%I.%I', n.nspname, c.relname) AS name, concat_ws('|', s.seqtypid::regtype, s.seqstart,
      s.seqincrement, s.seqmin, s.seqmax, s.seqcycle) AS definition
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence s ON s.seqrelid = c.oid
    WHERE n.nspname !~ '^pg_' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
      AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY name
"""


async def fingerprint_of(connection: asyncpg.Connection, owner: str) -> Fingerprint:
    """Return the fingerprint of the database that this transaction of the superuser sees; `owner` is its role.

    The transaction then has a lock on each table, so that none is dropped before it ends.
    """
    await connection.execute(_TEXT.format(lock_limit=LOCK_LIMIT))
    await read_tables_alone(connection)
    parts = [part async for part in _tables(connection)]
    parts.append(await _large_objects(connection))
    return Fingerprint((*parts, *await _schema(connection, owner)))


async def outline_of(connection: asyncpg.Connection, owner: str) -> Fingerprint:
    """Return what shows without reading a database: sizes of all that holds rows, sequences, and the schema."""
    await connection.execute(_TEXT.format(lock_limit=LOCK_LIMIT))
    parts = [
        Part(f"table {row['name']}", row["size"], row["files"], "bytes")
        for row in await connection.fetch(_SIZES, timeout=LIMIT)
    ]
    return Fingerprint((*parts, *await _schema(connection, owner)))


async def _schema(connection: asyncpg.Connection, owner: str) -> list[Part]:
    parts = await sequences(connection)
    for name, query in PARTS.items():
        digest = SetDigest()
        for row in await connection.fetch(query, owner, timeout=LIMIT):
            digest.add(row["item"].encode())
        parts.append(digest.part(name, name))
    digest = SetDigest()
    for row in await connection.fetch(FIND, owner):
        if not _is_option(row):
            digest.add("|".join(row.values()).encode())
    parts.append(digest.part("settings", "settings"))
    return parts


def _is_option(row: Mapping[str, str]) -> bool:
    """Return whether a setting is an option: each copy has the options of its own instance."""
    return row["scope"] == "database" and row["name"].lower() in OF_A_DATABASE


async def read_tables_alone(connection: asyncpg.Connection) -> None:
    """Let this transaction read no view and no foreign table in the place of a table."""
    await connection.execute(_TABLES_ALONE)


async def sequences(connection: asyncpg.Connection) -> list[Part]:
    """Return one part for each sequence. Their values are those of now, not those of a snapshot."""
    found = []
    for row in await connection.fetch(_SEQUENCES):
        name, definition = row["name"], row["definition"]
        value = await connection.fetchrow(f"SELECT last_value, is_called FROM {name}")  # noqa: S608 - format('%I')
        text = f"{definition}|{value['last_value']}|{value['is_called']}"
        found.append(Part(f"sequence {name}", 1, text, "sequences"))
    return found


def without_moving(fingerprint: Fingerprint, later: Mapping[str, Part]) -> Fingerprint:
    """Return the fingerprint without the values of sequences that have moved since; `later` has them by name."""
    import attrs

    def kept(part: Part) -> Part:
        moved = part.name.startswith("sequence ") and later.get(part.name) != part
        return attrs.evolve(part, digest="") if moved else part

    return Fingerprint(tuple(kept(part) for part in fingerprint.parts))


async def _tables(connection: asyncpg.Connection) -> AsyncIterator[Part]:
    for row in await connection.fetch(_TABLES, timeout=LIMIT):
        columns = [Column(*each) for each in zip(row["columns"], row["types"], strict=True)]
        found = await connection.fetchrow(digest_query(row["name"], columns), timeout=LIMIT)
        yield Part(f"table {row['name']}", found["count"], found["digest"], "rows")


async def _large_objects(connection: asyncpg.Connection) -> Part:
    found = await connection.fetchrow(_OBJECTS, WHOLE, timeout=LIMIT)
    return Part("large objects", found["count"], found["digest"], "large objects")
