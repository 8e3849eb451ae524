"""The outline and the fingerprint of a database are those of its copy, and not those of one that lacks something."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from addonkit import AddonkitError, Tenant
from addonkit_postgresql import dump, fingerprint
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


CHANGED = {
    "INSERT INTO t VALUES (0, '')": ("table public.t",),
    "UPDATE t SET n = 0 WHERE n = 1": ("table public.t",),
    "SELECT lo_put(oid, 5, 'x') FROM pg_largeobject_metadata": ("large objects",),
    "ALTER DATABASE {copy} SET random_page_cost = 2": ("settings",),
    "ALTER DATABASE {copy} SET work_mem = '1MB'": (),  # an option, of which each instance has its own value
}
"""What changes no size."""


@pytest.mark.parametrize("of", ["outline", "fingerprint"])
async def test_what_a_copy_lacks_shows(server: Administrator, name: str, of: str) -> None:
    seen, taken = (LOST, dump.outline) if of == "outline" else ({**LOST, **CHANGED}, dump.fingerprint)
    async with server.session() as connection:
        await execute(connection, "CREATE DATABASE %I", name)
    async with server.session(name) as connection:
        await connection.execute(f"SET search_path = public; {FILL}")
    original = await taken(server, Tenant(name, "", {}))
    for number, (statement, parts) in enumerate({"SELECT 1": (), **seen}.items()):
        copy = f"{name}_{number}"
        async with server.session() as connection:
            await execute(connection, "CREATE DATABASE %I TEMPLATE %I", copy, name)
        async with server.session(copy) as connection:
            await connection.execute(f"SET search_path = public; {statement.format(copy=copy)}")
        found = original.differences(await taken(server, Tenant(copy, "", {})))
        assert bool(found) == bool(parts), (statement, found)
        named = [any(each.startswith(part) for each in found) for part in parts]
        assert all(named) or (of == "fingerprint" and any(named)), (statement, found)  # rows have no size there
        async with server.session() as connection:
            await execute(connection, "DROP DATABASE %I WITH (FORCE)", copy)
    async with server.session() as connection:
        await execute(connection, "DROP DATABASE %I WITH (FORCE)", name)


async def test_a_table_that_stays_locked_is_waited_for_no_longer_than_said(
    server: Administrator, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "LOCK_LIMIT", 1)
    async with server.session() as connection:
        await execute(connection, "CREATE DATABASE %I", name)
    async with server.session(name) as holding:
        await holding.execute("CREATE TABLE public.t (n int)")
        await holding.execute("BEGIN; LOCK TABLE public.t")
        for taken in (dump.outline, dump.fingerprint):
            with pytest.raises(AddonkitError, match="lock timeout"):
                await asyncio.wait_for(taken(server, Tenant(name, "", {})), 30)


async def test_a_view_in_the_place_of_a_table_is_not_read(server: Administrator, name: str) -> None:
    """An app can make one after its tables were listed; its functions would run as the superuser."""
    async with server.session() as connection:
        await execute(connection, "CREATE DATABASE %I", name)
    async with server.session(name) as connection:
        await connection.execute("CREATE VIEW public.v AS SELECT 1")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await fingerprint.fingerprint_of(connection, name)
            with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="access to non-system view"):
                await connection.fetchval("SELECT count(*) FROM public.v")
