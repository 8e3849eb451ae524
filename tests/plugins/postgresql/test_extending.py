"""Extensions of a database, as the superuser makes them."""

from __future__ import annotations

import pytest

from addonkit import InvalidInput
from addonkit_postgresql import admin, extending
from addonkit_postgresql.options import EXTENSIONS
from addonkit_postgresql.session import Administrator, ServerFault, execute
from app_sessions import give

INSTALLED = """
    SELECT extname, extnamespace::regnamespace::text, obj_description(oid, 'pg_extension') FROM pg_extension
    WHERE extname <> 'plpgsql' ORDER BY 1
"""

OLDER = "1.4"
"""The first version of hstore that servers still bring a script of."""


async def installed(server: Administrator, name: str) -> list[tuple[str, str, str | None]]:
    async with server.session(name) as connection:
        return [tuple(row) for row in await connection.fetch(INSTALLED)]


async def test_extensions_come_with_what_they_need_and_go(server: Administrator, name: str) -> None:
    await give(server, name)

    await extending.change(server, name, {}, {EXTENSIONS: "earthdistance"})

    expected = [(each, "public", None) for each in ("cube", "earthdistance")]
    assert await installed(server, name) == expected, "a comment could not be restored by the owner"
    with pytest.raises(InvalidInput, match="cannot change extension nothing"):
        await extending.change(server, name, {EXTENSIONS: "earthdistance"}, {EXTENSIONS: "earthdistance,nothing"})
    await extending.change(server, name, {EXTENSIONS: "earthdistance"}, {})
    assert await installed(server, name) == expected[:1]


async def test_a_database_is_made_with_its_extensions(server: Administrator, name: str) -> None:
    await admin.create_tenant(server, name, name, settings={EXTENSIONS: "hstore"})
    assert await installed(server, name) == [("hstore", "public", None)]
    async with server.session() as connection:
        await execute(connection, "DROP DATABASE %I", name)

    await admin.create_database(server, name, name, name, {EXTENSIONS: "hstore"})

    assert await installed(server, name) == [("hstore", "public", None)]


async def test_an_extension_is_brought_to_the_version_of_the_server(server: Administrator, name: str) -> None:
    await give(server, name)
    async with server.session(name) as connection:
        await connection.execute(f"CREATE EXTENSION hstore SCHEMA public VERSION '{OLDER}'")
    (hstore,) = [each for each in await extending.available(server, name) if each.name == "hstore"]
    assert (hstore.installed, hstore.installed == hstore.available) == (OLDER, False)

    await extending.update(server, name, "hstore")

    (hstore,) = [each for each in await extending.available(server, name) if each.name == "hstore"]
    assert hstore.installed == hstore.available
    with pytest.raises((InvalidInput, ServerFault), match="nothing"):
        await extending.update(server, name, "nothing")
