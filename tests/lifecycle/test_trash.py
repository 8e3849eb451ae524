"""What was destroyed comes back: data, variables, attachments; and nothing is destroyed whose last backup failed."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import addonkit
from addonkit import AlreadyExists, BackupError, NotFound
from addonkit.controller.backups.sagas import BackupSagas
from addonkit.testing.command import CommandLine
from addonkit.testing.home import left_behind
from addonkit.util.clock import SystemClock
from addonkit_postgresql import dump

_CLIENT = "import os, valkey; client = valkey.from_url(os.environ['VALKEY_URL']); "
SET = (sys.executable, "-c", f"{_CLIENT}client.set('a', 1)")
GET = (sys.executable, "-c", f"{_CLIENT}print(client.get('a').decode())")


class Later(SystemClock):
    """Eight days on."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=8)


@pytest.fixture
def repository(home: Path) -> Iterator[Path]:
    """The directory beside the home."""
    directory = home.with_name(f"{home.name}-backups")
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
async def kit(home: Path, repository: Path) -> AsyncIterator[addonkit.Kit]:
    async with addonkit.open(home, environ={}) as opened:
        yield opened


async def sql(kit: addonkit.Kit, query: str, app: str = "shop", key: str = "DATABASE_URL") -> object:
    connection = await asyncpg.connect((await kit.environment(app)).values[key], timeout=10)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.mark.slow
async def test_a_database_comes_back_for_all_apps_under_all_names(kit: addonkit.Kit) -> None:
    await kit.create("postgresql:shared", "shop")
    await kit.create("postgresql:shared", "shop", alias="second")
    await kit.attach("shop-postgresql", "blog", alias="store")
    await sql(kit, "CREATE TABLE orders AS SELECT generate_series(1, 10) AS id")
    before = {app: {*(await kit.environment(app)).values} for app in ("shop", "blog")}

    plan = await kit.plan_destroy("shop-postgresql")
    kept = await kit.destroy("shop-postgresql")

    assert plan.lost == ()
    assert any("undestroy shop-postgresql" in each for each in plan.stays)
    assert kept is not None
    assert kept.backup.proof is not None
    assert not await kit.has_app("blog"), "it had nothing else"
    assert [each.name for each in await kit.trash.list()] == ["shop-postgresql"]

    served = await kit.trash.undestroy("shop-postgresql")

    assert served.name == "shop-postgresql"
    assert await sql(kit, "SELECT count(*) FROM orders") == 10
    assert await sql(kit, "SELECT count(*) FROM orders", "blog", "STORE_DATABASE_URL") == 10
    assert {app: {*(await kit.environment(app)).values} for app in ("shop", "blog")} == before
    assert await kit.trash.list() == ()
    assert [each.name for each in await kit.backups.list("shop-postgresql")] == [kept.backup.name]
    with pytest.raises(NotFound, match=r"cannot bring shop-postgresql back: .*run `addonkit restore shop-postgresql`"):
        await kit.trash.undestroy("shop-postgresql")
    assert {each.kind for each in await kit.doctor()} <= {"backups-on-same-disk"}


async def test_what_took_its_name_keeps_it(kit: addonkit.Kit) -> None:
    await kit.create("postgresql:shared", "shop")
    await sql(kit, "CREATE TABLE orders AS SELECT 1 AS id")
    await kit.destroy("shop-postgresql")
    await kit.create("postgresql:shared", "shop")
    await sql(kit, "CREATE TABLE other AS SELECT 2 AS id")
    with pytest.raises(AlreadyExists, match="addonkit undestroy shop-postgresql --into NEW"):
        await kit.trash.undestroy("shop-postgresql")

    await kit.trash.undestroy("postgresql", "shop", into="before")

    assert await sql(kit, "SELECT id FROM other") == 2
    assert await sql(kit, "SELECT id FROM orders", key="BEFORE_DATABASE_URL") == 1


@pytest.mark.slow
async def test_a_server_that_is_stopped_starts_for_the_final_backup(kit: addonkit.Kit, home: Path) -> None:
    await kit.create("postgresql:small", "shop")
    await kit.create("postgresql:small", "blog")
    await sql(kit, "CREATE TABLE orders AS SELECT 1 AS id")
    for app in ("shop", "blog"):
        (target,) = await kit.servers(f"{app}-postgresql")
        await kit.stop(target)

    plan = await kit.plan_destroy("shop-postgresql")
    assert "its server, which is stopped, is started for the final backup" in plan.stays
    await kit.destroy("shop-postgresql")
    await kit.trash.undestroy("shop-postgresql")
    assert await sql(kit, "SELECT id FROM orders") == 1

    (disk,) = [path for path in (home / "disks").glob("*/data/postgresql.conf") if target.server in str(path)]
    disk.write_text("nonsense")
    with pytest.raises(BackupError, match=r"its server was stopped and does not start: .*--now"):
        await kit.destroy("blog-postgresql")
    assert "blog-postgresql" in {each.instance.name for each in await kit.instances()}
    await kit.destroy("blog-postgresql", now=True)


@pytest.mark.all_day("cannot be restored")
@pytest.mark.parametrize("fault", ["cannot be written", "cannot be restored"])
async def test_a_final_backup_that_fails_stops_it(
    kit: addonkit.Kit, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    await kit.create("postgresql:shared", "shop")
    await sql(kit, "CREATE TABLE orders AS SELECT 1 AS id")

    async def fail(*_args: object, **_more: object) -> None:
        raise BackupError("dumping", fault)

    monkeypatch.setattr(dump, "dump" if fault == "cannot be written" else "load", fail)
    with pytest.raises(BackupError, match=rf"cannot destroy shop-postgresql: .*{fault}.*--now"):
        await kit.destroy("shop-postgresql")

    assert await sql(kit, "SELECT id FROM orders") == 1
    assert await kit.trash.list() == ()
    assert [view.instance.name for view in await kit.instances()] == ["shop-postgresql"]
    assert await kit.destroy("shop-postgresql", now=True) is None


async def test_its_time_ends_and_its_final_backup_goes_other_backups_stay(
    kit: addonkit.Kit, home: Path, repository: Path
) -> None:
    await kit.create("valkey:small", "shop")
    own = await kit.backups.create("shop-valkey", verify=False)
    kept = await kit.destroy("shop-valkey")
    assert kept is not None
    async with addonkit.open(home, environ={}, clock=Later()) as later:
        assert await later.trash.list() == ()
        assert await later.backups.list() == (own,)
    assert left_behind(home) == ()
    assert len(list(repository.rglob("*.age"))) == 1


async def test_what_has_nothing_to_keep_says_so_and_goes(kit: addonkit.Kit, repository: Path) -> None:
    await kit.create("valkey:cache", "shop")
    plan = await kit.plan_destroy("shop-valkey")
    assert plan.lost[-1] == (
        "nothing of it is kept in the trash: valkey:cache is a cache, which has nothing to back up"
    )
    assert await kit.destroy("shop-valkey") is None
    assert not repository.exists()


def test_the_command_says_what_it_will_do_and_what_it_did(
    addonkit_command: CommandLine, home: Path, repository: Path
) -> None:
    run = CommandLine(home, {"ADDONKIT_TRASH": "12h"})
    assert run("create", "valkey:small", "-a", "shop").status == 0
    assert run("run", "-a", "shop", "--", *SET).status == 0
    dry = run("destroy", "shop-valkey", "--dry-run").out
    assert "lost for good" not in dry
    assert "`addonkit undestroy shop-valkey` brings instance, variables and attachments back until then" in dry
    gone = run("destroy", "shop-valkey", "--yes")
    assert gone.status == 0, gone.err
    assert "shop-valkey is gone\nits verified final backup stays in the trash until" in gone.out
    assert run("trash", "list", "--json").data["trash"][0]["apps"] == ["shop"]
    assert run("trash", "list").out.startswith("INSTANCE     DESTROYED")
    assert "would be back, with the data of shop-valkey/" in run("undestroy", "shop-valkey", "--dry-run").out
    back = run("undestroy", "valkey", "-a", "shop")
    assert back.status == 0, back.err
    assert back.out.startswith("shop-valkey is back, with its data\nshop receives ")
    shown = run("run", "-a", "shop", "--", *GET)
    assert shown.out == "1\n"

    assert "lost for good" in run("destroy", "shop-valkey", "--now", "--dry-run").out
    assert run("destroy", "shop-valkey", "--yes").status == 0
    doomed = run("trash", "delete", "shop-valkey", "--dry-run").out
    assert "shop-valkey would be removed from the trash\n  lost for good:\n    all data of shop-valkey" in doomed
    assert "  what stays:\n    backup shop-valkey/" in doomed, "that of the destroy before"
    assert run("trash", "delete", "shop-valkey", "--yes").status == 0
    assert run("trash", "list").out == "the trash is empty\n"
    assert [each["verified"] is None for each in run("backup", "list", "--json").data["backups"]] == [False]
    wrong = CommandLine(home, {"ADDONKIT_TRASH": "soon"})("trash", "list")
    assert (wrong.status, wrong.err) == (0, "")
    assert run("create", "valkey:small", "-a", "shop").status == 0
    refused = CommandLine(home, {"ADDONKIT_TRASH": "soon"})("destroy", "shop-valkey", "--yes")
    assert refused.err == "error: cannot use ADDONKIT_TRASH: 'soon' is no period; write 7d, 12h or 2w\n"
    assert run("destroy", "shop-valkey", "--yes", "--now").out == "shop-valkey and its data are gone\n"


def test_everything_of_an_app_comes_back(home: Path, repository: Path) -> None:
    run = CommandLine(home, {"ADDONKIT_TRASH": "7d"})
    assert run("create", "valkey:small", "-a", "blog").status == 0
    assert run("create", "valkey:small", "-a", "shop").status == 0
    assert run("create", "valkey:small", "-a", "shop", "--as", "old").status == 0
    assert run("attach", "blog-valkey", "-a", "shop", "--as", "blog").status == 0
    assert run("env", "set", "-a", "shop", "COLOUR=red", "--secret").status == 0
    assert run("run", "-a", "shop", "--", *SET).status == 0
    assert run("destroy", "shop-old", "--yes").status == 0
    before = {each["key"] for each in run("env", "-a", "shop", "--json").data["variables"]}
    gone = run("destroy", "--app", "shop", "--yes")
    assert gone.status == 0, gone.err
    assert "\nthe trash has shop-valkey until " in gone.out
    assert gone.out.endswith("\n`addonkit undestroy --app shop` brings it back\n")
    assert run("undestroy").status == 2
    planned = run("undestroy", "--app", "shop", "--dry-run", "--json").data
    told = "app shop would be back, with shop-valkey, 1 attachments to others, 1 variables set by hand"
    assert planned["summary"] == told
    assert [each["name"] for each in planned["steps"]][-1] == "bring_back"

    back = run("undestroy", "--app", "shop")

    assert back.out == "app shop is back, with shop-valkey\n", back.err
    found = run("env", "-a", "shop", "--reveal", "--json").data["variables"]
    assert {each["key"] for each in found} == before
    assert {each["value"] for each in found if each["key"] == "COLOUR"} == {"red"}
    assert run("run", "-a", "shop", "--", *GET).out == "1\n"
    assert [each["instance"] for each in run("trash", "list", "--json").data["trash"]] == ["shop-old"]
    file = home / "addonkit.toml"
    file.write_text("[apps.shop]\n")
    plan = run("manifest", "plan", str(file), "--prune").out
    assert (
        "what stays: all data of shop-valkey, in the trash; `addonkit undestroy shop-valkey` brings them back" in plan
    )
    assert "lost for good" not in plan
    pruned = run("manifest", "apply", str(file), "--prune", "--yes")
    assert pruned.status == 0, pruned.err
    assert "shop-valkey" in [each["instance"] for each in run("trash", "list", "--json").data["trash"]]
    file.unlink()
    again = run("undestroy", "--app", "nothing")
    assert again.err == (
        "error: cannot bring app nothing back: the trash has nothing of it; see `addonkit trash list`\n"
    )
    for app in ("shop", "blog"):
        assert run("destroy", "--app", app, "--yes", "--now").status == 0
    assert left_behind(home) == ()


def test_what_was_there_before_a_restore_comes_back_too(home: Path, repository: Path) -> None:
    run = CommandLine(home, {"ADDONKIT_TRASH": "7d"})
    assert run("create", "valkey:small", "-a", "shop").status == 0
    assert run("backup", "create", "shop-valkey").status == 0
    assert run("run", "-a", "shop", "--", *SET).status == 0
    assert run("restore", "shop-valkey").status == 0
    assert run("run", "-a", "shop", "--", *GET).out != "1\n"

    gone = run("destroy", "--app", "shop", "--yes")
    assert gone.status == 0, gone.err
    back = run("undestroy", "--app", "shop")

    assert back.out == "app shop is back, with shop-valkey, shop-valkey-former\n", back.err
    found = run("list", "--json").data["instances"]
    assert [(each["name"], each["purpose"], each["troubles"]) for each in found] == [
        ("shop-valkey", "serve", []),
        ("shop-valkey-former", "former", []),
    ]
    assert run("rollback", "shop-valkey").status == 0
    assert run("run", "-a", "shop", "--", *GET).out == "1\n"


def _points() -> list[Any]:
    saga = BackupSagas(*[None] * 6).undestroy  # type: ignore[list-item] # only the names of the steps are read
    points = [f"{when}:{step}" for step in saga.step_names for when in ("before", "after")]
    quick = "after:bring_back"
    return [pytest.param(each, marks=[] if each == quick else [pytest.mark.slow]) for each in points]


@pytest.mark.parametrize("point", _points())
def test_killed_at_any_step_it_is_in_the_trash_or_back(home: Path, repository: Path, point: str) -> None:
    run = CommandLine(home, {"ADDONKIT_TRASH": "7d"})
    assert run("create", "postgresql:shared", "-a", "shop").status == 0
    assert run("run", "-a", "shop", "--", "psql", "-c", "CREATE TABLE orders AS SELECT 1 AS id").status == 0
    assert run("destroy", "shop-postgresql", "--yes").status == 0

    killed = run("undestroy", "shop-postgresql", ADDONKIT_FAULT=f"{point}=kill")

    assert killed.status == -signal.SIGKILL, killed.err
    trash = run("trash", "list", "--json").data["trash"]
    assert len(trash) == (0 if point == "after:bring_back" else 1)
    fixed = run("doctor", "--fix")
    assert run("saga", "list", "--unfinished", "--json").data["executions"] == [], fixed.out + fixed.err
    if trash:
        again = run("undestroy", "shop-postgresql")
        assert again.status == 0, again.err
    assert run("run", "-a", "shop", "--", "psql", "-Atc", "SELECT id FROM orders").out == "1\n"
    assert [each["purpose"] for each in run("list", "--json").data["instances"]] == ["serve"]
    assert run("destroy", "--app", "shop", "--yes", "--now").status == 0
    assert left_behind(home) == ()


@pytest.mark.slow
def test_interrupted_while_destroying_it_is_there_or_in_the_trash(home: Path, repository: Path) -> None:
    run = CommandLine(home, {"ADDONKIT_TRASH": "7d"})
    assert run("create", "valkey:small", "-a", "shop").status == 0
    assert run("run", "-a", "shop", "--", *SET).status == 0
    killed = run("destroy", "shop-valkey", "--yes", ADDONKIT_FAULT="after:record_proof=kill")
    assert killed.status == -signal.SIGKILL, killed.err
    assert run("trash", "list").out == "the trash is empty\n"
    assert run("run", "-a", "shop", "--", *GET).out == "1\n"
    assert run("destroy", "shop-valkey", "--yes", "--no-wait").status == 0
    assert len(run("trash", "list", "--json").data["trash"]) == 1
    assert run("undestroy", "shop-valkey").status == 0
    assert run("run", "-a", "shop", "--", *GET).out == "1\n"
    assert run("destroy", "shop-valkey", "--yes", "--now").status == 0
    assert left_behind(home) == ()
