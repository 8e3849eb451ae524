"""Compares a database with the dump that was loaded into it: nothing is believed that a program's status says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from addonkit import DataDiffer, ServerAccess, describe_differences
from addonkit_postgresql.fingerprint import LIMIT, read_tables_alone
from addonkit_postgresql.inventory import Inventory
from addonkit_postgresql.session import Administrator

if TYPE_CHECKING:
    from collections.abc import Mapping

    import asyncpg

_SCHEMA: Final = ("pg_dump", "--schema-only", "--no-password")

_TABLE: Final = "SELECT oid::regclass::text, relkind = 'p' AS whole FROM pg_class WHERE oid = to_regclass($1)"
_SEQUENCES: Final = "SELECT oid::regclass::text FROM pg_class WHERE oid = to_regclass($1) AND relkind = 'S'"
_LARGE_OBJECTS: Final = "SELECT count(*) FROM pg_largeobject_metadata"


async def compare_with_dump(
    server: Administrator, access: ServerAccess, database: str, environment: Mapping[str, str], dumped: Inventory
) -> None:
    """Compare objects, rows, sequences and large objects.

    Args:
        server: that has the database.
        access: runs `pg_dump` beside it.
        database: that the dump was loaded into.
        environment: how `pg_dump` logs in.
        dumped: what the dump holds.

    Raises:
        DataDiffer: something of the dump is not there.
    """
    there = Inventory()
    async with access.pipe((*_SCHEMA, f"--dbname={database}"), environment, None) as text:
        await there.read(text)
    async with (
        server.session(database) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await read_tables_alone(connection)
        rows = await _rows(connection, dumped)
        values = await _values(connection, dumped)
        large_objects = int(await connection.fetchval(_LARGE_OBJECTS))
    found = dumped.differences(there.objects, rows, values, large_objects)
    if found:
        advice = "the program that loads reported no error; look at it, then run the command again"
        raise DataDiffer(f"loading database {database}", describe_differences(found), advice, differences=list(found))


async def _rows(connection: asyncpg.Connection, dumped: Inventory) -> dict[str, int]:
    """Return rows of the tables of a dump, as far as there are such tables."""
    counted: dict[str, int] = {}
    for name in dumped.rows:
        found = await connection.fetchrow(_TABLE, name)
        if found is not None:
            only = "" if found["whole"] else "ONLY "
            query = f"SELECT count(*) FROM {only}{found['oid']}"  # noqa: S608 - the server has quoted it
            counted[name] = int(await connection.fetchval(query, timeout=LIMIT))
    return counted


async def _values(connection: asyncpg.Connection, dumped: Inventory) -> dict[str, tuple[int, bool]]:
    """Return values of the sequences of a dump, as far as there are such sequences."""
    values: dict[str, tuple[int, bool]] = {}
    for name in dumped.sequences:
        found = await connection.fetchval(_SEQUENCES, name)
        if found is not None:
            value = await connection.fetchrow(f"SELECT last_value, is_called FROM {found}")  # noqa: S608 - as above
            values[name] = value["last_value"], value["is_called"]
    return values
