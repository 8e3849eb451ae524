"""Copies of databases, on real servers of each version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import asyncpg
import pytest

from addonkit import CONFIG_VERSION, Secret, Server, ServerAccess
from addonkit_postgresql.cloner import DatabaseCloner
from addonkit_postgresql.removal import remove
from addonkit_postgresql.session import Administrator
from older_tenants import create_tenant

CLONER = DatabaseCloner()
PASSWORD = Secret.generate()


@pytest.fixture
def access(server: Administrator) -> ServerAccess:
    record = Server("x", "postgresql", "x", config={CONFIG_VERSION: ""}, attributes={"admin_password": server.password})
    return ServerAccess(record, server.address.host, server.address.port)


@pytest.fixture
async def template(server: Administrator, name: str) -> AsyncIterator[Mapping[str, str]]:
    """Variables of an app; everything of it is removed afterwards."""
    await create_tenant(server, name, PASSWORD, name, 50)
    host, port = server.address.host, server.address.port
    yield {
        "DATABASE_URL": f"postgresql://{name}:{PASSWORD.reveal()}@{host}:{port}/{name}",
        "PGHOST": host,
        "PGUSER": name,
        "PGDATABASE": name,
    }
    await remove(server, name, name)


async def ask(environ: Mapping[str, str], *queries: str) -> object:
    connection = await asyncpg.connect(environ["DATABASE_URL"], ssl=False)
    try:
        return [await connection.fetchval(each) for each in queries][-1]
    finally:
        await connection.close()


def named(template: Mapping[str, str], number: int) -> dict[str, str]:
    return CLONER.variables(template, f"{template['PGDATABASE']}_{number}")


async def test_a_copy_has_what_its_template_has(access: ServerAccess, template: Mapping[str, str]) -> None:
    copy = named(template, 1)
    await ask(template, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)")
    await ask(template, f'ALTER DATABASE {template["PGDATABASE"]} SET search_path TO public, "Two Words"')
    await ask(template, f"ALTER ROLE {template['PGUSER']} IN DATABASE {template['PGDATABASE']} SET work_mem TO '7MB'")
    await CLONER.seal(access, template)

    await CLONER.clone(access, template, copy)

    try:
        assert await ask(copy, "SELECT a FROM t") == 1
        assert await ask(copy, "SHOW search_path") == 'public, "Two Words"'
        assert await ask(copy, "SHOW work_mem") == "7MB"
        assert await ask(copy, "ALTER TABLE t ADD b int", "SELECT current_user") == template["PGUSER"], "it owns it"
    finally:
        await CLONER.drop(access, copy)


async def test_a_template_that_is_in_use_is_sealed_and_copied(
    access: ServerAccess, template: Mapping[str, str]
) -> None:
    left_open = await asyncpg.connect(template["DATABASE_URL"], ssl=False)
    copies = [named(template, number) for number in range(5)]
    await CLONER.seal(access, template)
    await CLONER.seal(access, template)

    await asyncio.gather(*(CLONER.clone(access, template, copy) for copy in copies))

    try:
        assert len({await ask(copy, "SELECT current_database()") for copy in copies}) == 5
        with pytest.raises(asyncpg.PostgresError):
            await ask(template, "SELECT 1")
    finally:
        for copy in copies:
            await CLONER.drop(access, copy)
        await left_open.close()


async def test_a_copy_is_dropped_whoever_uses_it(access: ServerAccess, template: Mapping[str, str]) -> None:
    copy = named(template, 1)
    await CLONER.seal(access, template)
    await CLONER.clone(access, template, copy)
    left_open = await asyncpg.connect(copy["DATABASE_URL"], ssl=False)

    await CLONER.drop(access, copy)
    await CLONER.drop(access, copy)

    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await ask(copy, "SELECT 1")
    await left_open.close()


async def test_nobody_else_gets_into_a_copy(
    server: Administrator, access: ServerAccess, template: Mapping[str, str], name: str
) -> None:
    copy = named(template, 1)
    await CLONER.seal(access, template)
    await CLONER.clone(access, template, copy)
    stranger = f"{name}_stranger"
    await create_tenant(server, stranger, PASSWORD, stranger, 5)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask({"DATABASE_URL": copy["DATABASE_URL"].replace(f"//{name}:", f"//{stranger}:")}, "SELECT 1")
    finally:
        await remove(server, stranger, stranger)
        await CLONER.drop(access, copy)


def test_variables_lead_to_the_copy_and_keep_the_rest() -> None:
    template = {"DATABASE_URL": "postgresql://u:p%40x@[::1]:5432/app?a=b", "PGDATABASE": "app", "PGUSER": "u"}

    assert CLONER.variables(template, "copy_1") == {
        "DATABASE_URL": "postgresql://u:p%40x@[::1]:5432/copy_1?a=b",
        "PGDATABASE": "copy_1",
        "PGUSER": "u",
    }
