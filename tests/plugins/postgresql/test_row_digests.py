"""The digest of a table shows each change of a row, has nothing to do with their order, and calls nothing of an app."""

from __future__ import annotations

import asyncpg

from addonkit import Part
from addonkit_postgresql import fingerprint
from addonkit_postgresql.row_digests import Column, digest_query
from addonkit_postgresql.session import Administrator, execute
from app_sessions import give, logged_in

TABLE = """
    CREATE TABLE t (id bigint, a text, b varchar(9), raw bytea, j json, jb jsonb, at timestamptz, n numeric, c text);
    INSERT INTO t SELECT g, 'a' || g, 'b' || g, decode('00ff', 'hex'), '{"x" :1}', '{"x": 1}', '2026-01-01', 1.50, repeat('é', 3000)
      FROM generate_series(1, 3) g;
    INSERT INTO t DEFAULT VALUES; CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES; CREATE TABLE empty (a text);
"""

CHANGES = (
    "id = 4294967297",
    "a = 'b1', b = 'a1'",
    "a = ''",
    "a = NULL",
    "b = 'B1'",
    "raw = decode('00fe', 'hex')",
    """j = '{"x": 1}'""",
    """jb = '{"x": 1.0}'""",
    "at = at + interval '1 microsecond'",
    "n = 1.5",
    "c = repeat('é', 2999) || 'e'",
    "c = normalize(c, NFD)",
)
SWAPS = (
    "UPDATE t SET a = 'a' || (3 - id) WHERE id IN (1, 2)",
    "UPDATE t SET a = '' WHERE id IS NULL",
    "DELETE FROM t WHERE id = 2",
    "INSERT INTO t SELECT * FROM t WHERE id = 1",
)


async def digests(connection: asyncpg.Connection) -> dict[str, Part]:
    found = await fingerprint.fingerprint_of(connection, "nobody")
    return {part.name: part for part in found.parts if part.unit == "rows"}


async def test_every_change_of_a_row_shows_and_their_order_does_not(
    servers: dict[str, Administrator], name: str
) -> None:
    seen = []
    for server in servers.values():
        async with server.session() as connection:
            await execute(connection, "CREATE DATABASE %I", name)
        async with server.session(name) as connection:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL search_path = public; {TABLE}")
                before = await digests(connection)
            seen.append(before)
            for change in (*(f"UPDATE t SET {each} WHERE id = 1" for each in CHANGES), *SWAPS):
                undone = connection.transaction()
                await undone.start()
                await connection.execute(f"SET LOCAL search_path = public; {change}")
                after = await digests(connection)
                assert after["table public.t"].digest != before["table public.t"].digest, change
                await undone.rollback()
            async with connection.transaction():
                await connection.execute("CREATE TABLE public.o AS SELECT * FROM public.t ORDER BY id DESC NULLS FIRST")
                assert (await digests(connection))["table public.o"].digest == before["table public.t"].digest
        async with server.session() as connection:
            await execute(connection, "DROP DATABASE %I WITH (FORCE)", name)
    assert seen[0] == seen[1], "servers of all versions tell the same"
    assert seen[0]["table public.empty"].digest == "0" != seen[0]["table public.nothing"].digest


TRAP = """
    CREATE TYPE trap AS (a text);
    CREATE FUNCTION sprung(trap) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''called''; END';
    CREATE CAST (trap AS text) WITH FUNCTION sprung(trap) AS IMPLICIT;
    CREATE TABLE t (raw trap); INSERT INTO t VALUES (ROW('x'));
"""


async def test_a_column_that_got_another_type_is_not_cast(server: Administrator, name: str) -> None:
    await give(server, name)
    async with logged_in(server, name) as app:
        await app.execute(TRAP)
    async with server.session(name) as connection:
        for type_ in (25, 1043, 17, 114, 3802):
            told = await what_comes_of(connection, digest_query("public.t", (Column("raw", type_),)))
            assert told == "0" or "called" not in told, "the digest fits no other"


async def what_comes_of(connection: asyncpg.Connection, query: str) -> str:
    try:
        return str((await connection.fetchrow(query))["digest"])
    except asyncpg.PostgresError as error:
        return str(error)


async def test_a_table_as_wide_as_can_be_is_digested(server: Administrator, name: str) -> None:
    async with server.session() as connection, connection.transaction():
        columns = ", ".join(f"c{number} text" for number in range(1600))
        await connection.execute(f"CREATE TEMPORARY TABLE wide ({columns}) ON COMMIT DROP")
        await connection.execute("INSERT INTO wide (c1, c1599) VALUES ('a', 'b')")
        query = digest_query("wide", [Column(f"c{number}", 25) for number in range(1600)])
        before = await connection.fetchrow(query)
        await connection.execute("UPDATE wide SET c1599 = 'c'")
        assert (await connection.fetchrow(query))["digest"] != before["digest"]
