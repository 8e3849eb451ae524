"""Export, import and clone on real servers: data arrive whole, or nothing changes."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import asyncpg
import pytest
import valkey.asyncio

import addonkit
from addonkit import AddonkitError, AlreadyExists, BackupError, InvalidInput, SagaFailed
from addonkit.models.execution import StepStatus
from addonkit.testing.command import CommandLine
from addonkit.testing.home import temporary_home


@pytest.fixture(autouse=True)
def backups_beside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ADDONKIT_BACKUPS", str(tmp_path / "backups"))


async def query(url: str, *statements: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        for each in statements[:-1]:
            await connection.execute(each)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


async def url_of(kit: addonkit.Kit, app: str, name: str = "DATABASE_URL") -> str:
    return (await kit.environment(app)).values[name]


async def test_postgresql_goes_out_into_a_file_and_in_elsewhere(kit: addonkit.Kit, tmp_path: Path) -> None:
    shop = await kit.create("postgresql:shared", app="shop")
    await kit.create("postgresql:shared", app="blog")
    fill = "CREATE TABLE orders AS SELECT n, repeat('x', 100) AS text FROM generate_series(1, 20000) n"
    await query(shop.url, fill, "SELECT 1")
    file = str(tmp_path / "shop.tar.zst.age")

    exported = await kit.moves.export("shop-postgresql", file)
    with pytest.raises(AlreadyExists, match="the file exists"):
        await kit.moves.export("shop-postgresql", file)
    with pytest.raises(InvalidInput, match="does not end with"):
        await kit.moves.export("shop-postgresql", str(tmp_path / "shop.dump"))
    assert exported.size == Path(file).stat().st_size

    with pytest.raises(SagaFailed, match="holds table public.orders"):
        await kit.moves.import_("shop-postgresql", file)
    await kit.moves.import_("blog-postgresql", file)
    assert await query(await url_of(kit, "blog"), "SELECT count(*) FROM orders") == 20_000
    await kit.moves.import_("", file, into="trial-postgresql", app="trial")
    assert await query(await url_of(kit, "trial"), "SELECT count(*) FROM orders") == 20_000

    key, _new = await kit.backups.key()
    with temporary_home() as other:
        async with addonkit.open(other) as elsewhere:
            await elsewhere.backups.add_key(key)
            await elsewhere.moves.import_("", file, into="moved", app="moved")
            assert await query(await url_of(elsewhere, "moved"), "SELECT count(*) FROM orders") == 20_000

    damaged = tmp_path / "damaged.tar.zst.age"
    content = bytearray(Path(file).read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(AddonkitError, match="was changed"):
        await kit.moves.import_("", str(damaged), into="never", app="never")
    assert "never" not in {each.instance.name for each in await kit.instances()}

    cloned = await kit.moves.clone("shop-postgresql", "copy")
    assert cloned.name == "copy-postgresql"
    url = await url_of(kit, "copy")
    assert await query(url, "SELECT count(*) FROM orders") == 20_000
    await query(url, "DROP TABLE orders", "SELECT 1")
    await kit.moves.clone("shop-postgresql", "masked", script="UPDATE orders SET text = 'masked'; SELECT 1")
    assert await query(await url_of(kit, "masked"), "SELECT count(*) FROM orders WHERE text = 'masked'") == 20_000
    with pytest.raises(SagaFailed, match="does not exist"):
        await kit.moves.clone("shop-postgresql", "never", script="UPDATE nothing SET text = ''")
    assert "never" not in {each.instance.app for each in await kit.instances()}
    assert await query(shop.url, "SELECT count(*) FROM orders") == 20_000


@pytest.mark.slow
async def test_data_of_another_origin_come_in(kit: addonkit.Kit, tmp_path: Path) -> None:
    origin = await kit.create("postgresql:small", app="origin")
    fill = "CREATE TABLE orders AS SELECT n FROM generate_series(1, 5000) n"
    await query(origin.url, fill, "SELECT 1")
    for app in ("one", "two"):
        await kit.create("postgresql:shared", app=app)
    dump = tmp_path / "origin.dump"
    tools = (await kit.environment("origin")).programs
    environ = {**os.environ, "PATH": os.pathsep.join((*tools, os.environ["PATH"]))}
    await asyncio.to_thread(subprocess.run, ["pg_dump", "-Fc", "-f", str(dump), origin.url], check=True, env=environ)

    await kit.moves.import_("one-postgresql", str(dump))
    await kit.moves.import_("two-postgresql", origin.url)

    for app in ("one", "two"):
        assert await query(await url_of(kit, app), "SELECT count(*) FROM orders") == 5000
    plain = tmp_path / "plain.sql"
    await asyncio.to_thread(subprocess.run, ["pg_dump", "-f", str(plain), origin.url], check=True, env=environ)
    await kit.create("postgresql:shared", app="four")
    await kit.moves.import_("four-postgresql", str(plain))
    assert await query(await url_of(kit, "four"), "SELECT count(*) FROM orders") == 5000
    await kit.create("postgresql:shared", app="three")
    content = plain.read_text()
    for wrong_content, told in (
        (content[: len(content) // 2], "the file ends in the middle of the rows of a table"),
        (content[: content.index("-- PostgreSQL database dump complete")], "the dump is cut"),
        (content.replace("\n5\n", "\nfive\n"), "invalid input syntax for type integer"),
        ("SELECT 1; \\! touch /dev/shm/never\n", "restrict"),
        ("\0", "neither a dump of pg_dump nor plain SQL"),
    ):
        plain.write_text(wrong_content)
        with pytest.raises(SagaFailed, match=told):
            await kit.moves.import_("three-postgresql", str(plain))
    with pytest.raises(BackupError, match="cannot come from mysql; it imports file, folder, postgres"):
        await kit.moves.import_("three-postgresql", "mysql://user:secret@host/db")
    wrong = origin.url.replace(":" + origin.environ()["PGPASSWORD"], ":wrong-password")
    with pytest.raises(SagaFailed, match="password authentication failed") as refused:
        await kit.moves.import_("three-postgresql", wrong)
    assert "wrong-password" not in str(refused.value)

    source = (await kit.create("valkey", app="source")).environ()
    await kit.create("valkey:shared", app="target")
    async with valkey.asyncio.Valkey.from_url(source["VALKEY_URL"]) as client:
        await client.mset({f"key{n}": n for n in range(1000)})
    await kit.moves.import_("target-valkey", source["VALKEY_URL"])
    target = (await kit.environment("target")).values
    async with valkey.asyncio.Valkey.from_url(target["VALKEY_URL"]) as client:
        assert await client.get(f"{target['VALKEY_PREFIX']}key999") == b"999"


async def begun(kit: addonkit.Kit, saga: str, step: str) -> bool:
    """Whether an execution of a saga is at that step, or past it."""
    unfinished = [each for each in await kit.executions(unfinished=True) if each.saga == saga]
    records = [record for each in unfinished for record in each.steps if record.name == step]
    return any(record.status is not StepStatus.PENDING for record in records)


@pytest.mark.slow
async def test_a_copy_that_is_interrupted_leaves_nothing(kit: addonkit.Kit) -> None:
    shop = (await kit.create("valkey", app="shop")).environ()
    async with valkey.asyncio.Valkey.from_url(shop["VALKEY_URL"]) as client:
        await client.mset({f"key{n}": "x" * 1000 for n in range(5000)})
    await kit.moves.clone("shop-valkey", "copy")
    copied = await url_of(kit, "copy", "VALKEY_URL")
    async with valkey.asyncio.Valkey.from_url(copied) as client:
        assert await client.dbsize() == 5000

    async with valkey.asyncio.Valkey.from_url(shop["VALKEY_URL"]) as client:
        await client.execute_command("FUNCTION", "LOAD", "#!lua name=f\nserver.register_function('f', function() end)")
    before = {each.instance.name for each in await kit.instances()}
    task = asyncio.create_task(kit.moves.clone("shop-valkey", "other"))
    async with asyncio.timeout(60):
        while not await begun(kit, "addonkit.clone", "copy_data"):
            await asyncio.sleep(0.002)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await kit.moves.clone("shop-valkey", "third")
    assert {each.instance.name for each in await kit.instances()} == {*before, "third-valkey"}


def test_the_commands_say_what_they_would_do_and_what_they_did(addonkit_command: CommandLine, tmp_path: Path) -> None:
    addonkit_command("create", "postgresql:shared", "-a", "shop")
    file = str(tmp_path / "shop.tar.zst.age")

    planned = addonkit_command("export", "shop-postgresql", "-o", file, "--dry-run")
    assert "would be written to" in planned.out
    assert not Path(file).exists()
    assert "opens it" in addonkit_command("export", "shop-postgresql", "-o", file).out
    shown = addonkit_command("clone", "shop-postgresql", "-a", "copy", "--dry-run").out
    assert "would have the data" in shown
    assert "run the script" not in shown
    assert "copy-postgresql of app copy" in addonkit_command("clone", "shop-postgresql", "-a", "copy").out
    shown = addonkit_command("attach", "shop-postgresql", "-a", "report", "--as", "shop", "--dry-run").out
    assert "report would receive the variables of shop-postgresql" in shown
    assert "\n    SHOP_DATABASE_URL\n" in shown
    assert addonkit_command("apps", "--json").data["apps"][-1]["name"] == "shop", "no app is made"
    shown = addonkit_command("detach", "shop-postgresql", "-a", "shop", "--dry-run").out
    assert "\n    shop: DATABASE_URL\n" in shown
    assert "end the app's login" in shown
    refused = addonkit_command("rollback", "shop-postgresql", "--dry-run")
    assert refused.err == "error: cannot roll shop-postgresql back: nothing took its place\n"
    restored = addonkit_command("restore", "shop-postgresql", "--from", file, "-v")
    assert "KiB read" in restored.err
    assert "item read" in restored.err or "items read" in restored.err
    data = addonkit_command("rollback", "shop-postgresql", "--dry-run", "--json").data
    assert data["stays"] == ["the data that shop-postgresql has now, for a week"]
    assert addonkit_command("rollback", "shop-postgresql").status == 0, "the dry run has changed nothing"
    imported = addonkit_command("import", "--from", file, "--into", "trial", "-a", "trial", "--json")
    assert '"trial"' in imported.out
