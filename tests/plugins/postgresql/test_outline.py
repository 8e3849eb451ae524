"""The outline of a database is that of its copy, and not that of one that lacks something."""

from __future__ import annotations

from addonkit import Tenant
from addonkit_postgresql import dump
from addonkit_postgresql.session import Administrator, execute

FILL = """
    CREATE TABLE t (n int PRIMARY KEY, long text); CREATE INDEX i ON t (long); CREATE SEQUENCE s;
    INSERT INTO t SELECT n, repeat('x', n) FROM generate_series(1, 3000) n;
    CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1; CREATE MATERIALIZED VIEW m AS SELECT * FROM t;
    SELECT lo_from_bytea(0, decode(repeat('0102', 50000), 'hex'));
"""

LOST = {
    "DROP INDEX i": ("indexes", "table public.t"),
    "TRUNCATE t": ("table public.t",),
    "DROP FUNCTION f": ("functions",),
    "SELECT nextval('s')": ("sequence public.s",),
    "REFRESH MATERIALIZED VIEW m WITH NO DATA": ("relations", "table public.m"),
    "ALTER TABLE t ALTER long SET NOT NULL": ("columns",),
}


async def test_what_a_copy_lacks_shows_in_its_outline(server: Administrator, name: str) -> None:
    async with server.session() as connection:
        await execute(connection, "CREATE DATABASE %I", name)
    async with server.session(name) as connection:
        await connection.execute(f"SET search_path = public; {FILL}")
    original = await dump.outline(server, Tenant(name, "", {}))
    for number, (statement, parts) in enumerate({"SELECT 1": (), **LOST}.items()):
        copy = f"{name}_{number}"
        async with server.session() as connection:
            await execute(connection, "CREATE DATABASE %I TEMPLATE %I", copy, name)
        async with server.session(copy) as connection:
            await connection.execute(f"SET search_path = public; {statement}")
        found = original.differences(await dump.outline(server, Tenant(copy, "", {})))
        assert bool(found) == bool(parts), (statement, found)
        assert all(any(each.startswith(part) for each in found) for part in parts), (statement, found)
        async with server.session() as connection:
            await execute(connection, "DROP DATABASE %I WITH (FORCE)", copy)
    async with server.session() as connection:
        await execute(connection, "DROP DATABASE %I WITH (FORCE)", name)
