"""`doctor` finds what exists and nobody owns, and what is owned and gone; `--fix` fixes it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

import addonkit
from addonkit.errors import StoreCorrupted
from addonkit.models.compute import Disk, Pool
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.provider.server_sagas import ServerAddress
from addonkit.testing.home import left_behind
from addonkit_postgresql.tenants import administrator
from addonkit_valkey import admin as valkey_admin


async def kinds(kit: addonkit.Kit) -> dict[str, str]:
    return {finding.kind: finding.subject for finding in await kit.doctor()}


async def fix(kit: addonkit.Kit) -> None:
    await kit.fix(await kit.doctor())


async def test_all_is_well(kit: addonkit.Kit) -> None:
    await kit.create("postgresql:shared", app="shop")

    assert await kit.doctor() == ()


async def test_a_server_that_nobody_knows_is_stopped_and_removed(kit: addonkit.Kit, home: Path) -> None:
    await kit.create("valkey", app="shop")
    server = (await kit.show("shop-valkey")).instance.server
    await kit._store.transact(lambda tx: [tx.delete(kind, server) for kind in (Pool, Disk, addonkit.Server)])
    await kit._store.transact(lambda tx: tx.delete(addonkit.Instance, (tx.list(addonkit.Instance).items[0]).name))

    assert await kinds(kit) == {"orphan-process": server, "orphan-disk": server}
    await fix(kit)

    assert left_behind(home) == ()
    assert await kinds(kit) == {}


async def test_a_server_that_is_down_is_started(kit: addonkit.Kit, home: Path) -> None:
    binding = await kit.create("postgresql", app="shop")
    server = binding.instance.server
    pid = json.loads((home / f"pools/{server}/record").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    while "server-down" not in await kinds(kit):
        pass

    await fix(kit)

    connection = await asyncpg.connect(binding.url)
    await connection.close()


async def test_a_database_that_nobody_owns_is_dropped(kit: addonkit.Kit) -> None:
    blog = await kit.create("postgresql:shared", app="blog")
    await kit.create("postgresql:shared", app="wiki")
    wiki = (await kit.show("wiki-postgresql")).instance
    for kind, name in ((addonkit.Instance, wiki.id),):
        await kit._store.transact(lambda tx, kind=kind, name=name: tx.delete(kind, name))

    assert await kinds(kit) == {"orphan-claim": f"{blog.instance.server}/wiki"}
    await fix(kit)

    assert await kinds(kit) == {}
    connection = await asyncpg.connect(blog.url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = 'wiki'") == 0
    finally:
        await connection.close()


@pytest.mark.all_day("PASSWORD 'mine'-postgresql:shared", "PASSWORD NULL-postgresql:small")
@pytest.mark.parametrize("variant", ["postgresql:small", "postgresql:shared"])
@pytest.mark.parametrize("change", ["PASSWORD 'mine'", "PASSWORD NULL"])
async def test_an_app_that_changed_its_own_password_gets_a_new_one_and_keeps_its_data(
    kit: addonkit.Kit, variant: str, change: str
) -> None:
    binding = await kit.create(variant, app="shop")
    connection = await asyncpg.connect(binding.url)
    await connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    await connection.execute(f"SET ROLE NONE; ALTER ROLE CURRENT_USER {change}")
    await connection.close()

    assert await kinds(kit) == {"changed-password": "shop-postgresql"}
    await fix(kit)

    assert await kinds(kit) == {}
    again = await asyncpg.connect((await kit.environment("shop")).as_dict()["DATABASE_URL"])
    assert await again.fetchval("SELECT one FROM kept") == 1
    await again.close()


async def test_what_was_interrupted_is_gone_on_with(kit: addonkit.Kit) -> None:
    binding = await kit.create("valkey", app="shop", wait=False)
    assert binding.variables == ()
    assert await kinds(kit) == {"unfinished": "shop-valkey"}

    await fix(kit)

    assert (await kit.show("shop-valkey")).instance.phase == "active"
    assert await kinds(kit) == {}


@pytest.mark.all_day("valkey:shared")
@pytest.mark.parametrize("variant", ["valkey:small", "valkey:shared"])
async def test_an_instance_whose_addon_is_away_stays_and_says_what_to_install(home: Path, variant: str) -> None:
    from addonkit import AddonNotInstalled, Registry

    async with addonkit.open(home) as kit:
        url = (await kit.create(variant, app="shop")).url
    async with addonkit.open(home, registry=Registry()) as kit:
        (view,) = await kit.instances()
        assert view.addon_state == "not installed"
        assert view.server_state == "running"
        assert (await kit.environment("shop")).as_dict()["VALKEY_URL"] == url
        assert await kinds(kit) == {"addon-not-installed": "shop-valkey"}
        for refused in (kit.destroy("shop-valkey"), kit.plan_destroy("shop-valkey"), kit.attach("shop-valkey", "blog")):
            with pytest.raises(AddonNotInstalled, match="run `pip install addonkit-valkey`, then try again"):
                await refused
        assert [each.app for each in (await kit.show("shop-valkey")).associations] == ["shop"]
        assert (await kit.environment("shop")).as_dict()["VALKEY_URL"] == url, "nothing was taken away"


@pytest.mark.all_day("database-postgresql:shared", "role and database-postgresql:small")
@pytest.mark.parametrize("spec", ["postgresql:small", "postgresql:shared"])
@pytest.mark.parametrize("lost", ["database", "role and database"])
async def test_a_lost_database_is_told_and_made_again_empty(kit: addonkit.Kit, spec: str, lost: str) -> None:
    binding = await kit.create(spec, app="shop")
    neighbour = await kit.create("postgresql:shared", app="blog")
    instance = (await kit.show("shop-postgresql")).instance
    access = await admin_access(kit.framework, instance.server)
    async with administrator(access).session() as connection:
        await connection.execute(f'DROP DATABASE "{instance.claim}" WITH (FORCE)')
        if lost != "database":
            await connection.execute(f'DROP OWNED BY "{instance.claim}"')
            await connection.execute(f'DROP ROLE "{instance.claim}"')

    (finding,) = await kit.doctor()
    assert (finding.kind, finding.subject) == ("lost-data", "shop-postgresql")
    assert "its data are lost" in finding.problem
    await fix(kit)

    assert await kinds(kit) == {}
    environment = (await kit.environment("shop")).as_dict()
    for url in (environment["DATABASE_URL"], neighbour.url):
        connection = await asyncpg.connect(url)
        await connection.close()
    assert environment.keys() == binding.environ().keys()
    for name in ("shop-postgresql", "blog-postgresql"):
        await kit.destroy(name)
    assert left_behind(kit.home) == ()


@pytest.mark.all_day("valkey:shared")
@pytest.mark.parametrize("spec", ["valkey:small", "valkey:shared"])
async def test_a_lost_user_is_told_and_destroyed_without_it(kit: addonkit.Kit, spec: str) -> None:
    environ = (await kit.create(spec, app="shop")).environ()
    instance = (await kit.show("shop-valkey")).instance
    access = await admin_access(kit.framework, instance.server)
    async with valkey_admin.Administrator(ServerAddress(access.host, access.port), access.password).session() as client:
        if access.server.shared:
            await client.execute_command("ACL", "DELUSER", instance.claim)
        else:
            await client.execute_command("ACL", "DELUSER", environ["VALKEY_USERNAME"])

    assert await kinds(kit) == {"lost-data": "shop-valkey"}
    await kit.destroy("shop-valkey")

    assert left_behind(kit.home) == ()
    assert await kinds(kit) == {}


async def test_a_server_that_does_not_answer_is_told_and_restarted(kit: addonkit.Kit, home: Path) -> None:
    binding = await kit.create("valkey", app="shop")
    record = json.loads((home / f"pools/{binding.instance.server}/record").read_text())
    os.kill(record["pid"], signal.SIGSTOP)

    (finding,) = await kit.doctor()
    assert (finding.kind, finding.subject) == ("server-hung", "shop-valkey")
    assert "run `addonkit restart shop-valkey`" in finding.problem
    await fix(kit)

    assert await kinds(kit) == {}


async def test_a_record_that_the_disk_changed_is_no_orphans_reason(kit: addonkit.Kit, home: Path) -> None:
    """Its server would otherwise look like one that no instance has, and `--fix` would remove the data."""
    await kit.create("valkey", app="shop")
    server = (await kit.show("shop-valkey")).instance.server
    with closing(sqlite3.connect(home / "state.db", isolation_level=None)) as state:
        state.execute("UPDATE entity SET kind = 'tool' WHERE kind = 'pool'")

    with pytest.raises(StoreCorrupted, match=f"the record 'tool/{server}' is not as it was written"):
        await kit.doctor()

    with closing(sqlite3.connect(home / "state.db", isolation_level=None)) as state:
        state.execute("UPDATE entity SET kind = 'pool' WHERE kind = 'tool'")
