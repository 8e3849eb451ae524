"""Scheduled backups: made in their time, once for what was missed, pruned, and loud when something is wrong."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import addonkit
from addonkit import BackupError, Event, InvalidInput
from addonkit.kit.backup_keeper import BackupKeeper
from addonkit.testing.command import CommandLine
from addonkit.util.clock import SystemClock
from addonkit_valkey import data

NIGHTLY = "0 3 * * *"


class Shifted(SystemClock):
    """The machine's clock, moved on."""

    by = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


@pytest.fixture
def clock() -> Shifted:
    return Shifted()


@pytest.fixture
def repository(home: Path) -> Iterator[Path]:
    """The directory beside the home."""
    directory = home.with_name(f"{home.name}-backups")
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
async def kit(home: Path, repository: Path, clock: Shifted) -> AsyncIterator[addonkit.Kit]:
    async with addonkit.open(home, clock=clock) as opened:
        yield opened


def keeper(kit: addonkit.Kit, told: list[str]) -> BackupKeeper:
    return BackupKeeper(kit._services, kit.backups, kit.schedules, kit.trash, told.append)


async def test_a_schedule_is_kept_missed_times_are_made_up_once_and_old_backups_go(
    kit: addonkit.Kit, clock: Shifted
) -> None:
    await kit.create("valkey:small", "shop")
    with pytest.raises(InvalidInput, match="is no cron expression"):
        await kit.schedules.set("shop-valkey", "at three")
    with pytest.raises(InvalidInput, match="does not say which"):
        await kit.schedules.set("shop-valkey", NIGHTLY, keep="all")
    await kit.schedules.set("valkey", NIGHTLY, "shop", keep="2d")
    told: list[str] = []
    keeping = keeper(kit, told)

    due = await keeping.check_once()
    assert await kit.backups.list() == (), "no time of it has come"
    assert due <= clock.now() + timedelta(minutes=10)

    for days in (1, 5, 6, 7):  # four of the times were missed
        clock.by = timedelta(days=days)
        await keeping.check_once()
        await keeping.check_once()
    made = await kit.backups.list("shop-valkey")
    assert len(made) == 2, "four were made, two days keep one each"
    assert all(each.proof for each in made)
    assert [each.partition(" as ")[0] for each in told] == ["shop-valkey is backed up"] * 4
    (schedule,) = await kit.schedules.list()
    assert (schedule.instance, schedule.state.keep, schedule.troubles) == ("shop-valkey", "2d", ())

    await kit.rename("shop-valkey", "store")
    assert await kit.backups.list("store") == made
    assert (await kit.backups.find("store")).name == made[-1].name
    await kit.backups.restore("store")
    assert [each.instance for each in await kit.schedules.list()] == ["store"], "it goes with the name"
    assert await kit.schedules.plan_prune("store", keep="1d") == made[:1]
    assert await kit.schedules.prune("store", keep="1d") == made[:1]
    await kit.schedules.clear("store")
    assert await kit.schedules.list() == ()
    with pytest.raises(InvalidInput, match="nothing says which of them stay; add --keep"):
        await kit.schedules.prune("store")


async def test_what_is_wrong_is_shown_everywhere_until_it_is_mended(
    kit: addonkit.Kit, home: Path, clock: Shifted, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kit.create("valkey:small", "shop")
    await kit.schedules.set("shop-valkey", NIGHTLY)
    events: list[Event] = []
    monkeypatch.setattr(kit.registry, "emit", events.append)
    told: list[str] = []
    keeping = keeper(kit, told)

    async def fail(*_args: object, **_more: object) -> None:
        raise BackupError("dumping", "the disk is full")

    clock.by = timedelta(days=2)
    with monkeypatch.context() as planted:
        planted.setattr(data, "dump", fail)
        await keeping.check_once()
        await keeping.check_once()
    assert len([each for each in told if "could not be backed up" in each]) == 1, "not again at once"
    (view,) = await kit.instances()
    assert "its last backup failed: " in view.troubles[0]
    assert "the disk is full; run `addonkit backup create shop-valkey`" in view.troubles[0]
    assert "its last verified backup does not exist" in view.troubles[1]
    assert [each.kind for each in await kit.doctor()] == ["backup-trouble"] * 2
    overdue = [each for each in events if not each.execution]
    assert [each.message.partition(":")[0] for each in overdue] == ["shop-valkey"]

    run = CommandLine(home)
    listed = await asyncio.to_thread(run, "list")
    assert "its last backup failed" in " ".join(listed.out.split())
    assert (await asyncio.to_thread(run, "list", "--json")).data["instances"][0]["troubles"] != []
    assert "disk is full" in (await asyncio.to_thread(run, "show", "shop-valkey")).out
    assert (await asyncio.to_thread(run, "doctor")).status == 1

    clock.by += timedelta(minutes=2)
    await keeping.check_once()
    assert (await kit.instances())[0].troubles == ()
    await kit.backups.create("shop-valkey", verify=False)
    assert events[-1].message.startswith("shop-valkey: its last backup is not verified; run `addonkit backup verify")
    (told_,) = (await kit.instances())[0].troubles
    assert told_.startswith("its last backup is not verified; run `addonkit backup verify shop-valkey/")
    await kit.backups.verify("shop-valkey")
    assert (await kit.instances())[0].troubles == ()


def test_the_commands_set_list_and_end_a_schedule(home: Path, repository: Path) -> None:
    run = CommandLine(home)
    assert run("create", "valkey:cache", "-a", "shop").status == 0
    refused = run("backup", "schedule", "shop-valkey", NIGHTLY)
    assert refused.err.endswith("valkey:cache is a cache, which has nothing to back up\n")
    assert run("create", "valkey:small", "-a", "shop", "--as", "kept").status == 0
    assert run("backup", "schedule", "shop-kept").status == 2
    planned = run("backup", "schedule", "shop-kept", NIGHTLY, "--keep", "7d", "--dry-run").out
    assert planned.startswith(f"shop-kept would be backed up at {NIGHTLY!r}, next at 20")
    assert "shop-kept would be backed up no longer" in run("backup", "schedule", "shop-kept", "--off", "--dry-run").out
    assert run("backup", "schedules").out.startswith("no schedules yet")
    made = run("backup", "schedule", "shop-kept", NIGHTLY, "--keep", "7d4w12m")
    assert "03:00; of its backups 7d4w12m stay\n`addonkit serve` keeps the schedule\n" in made.out
    assert run("backup", "schedules", "--json").data["schedules"][0]["keep"] == "7d4w12m"
    assert run("backup", "schedules").out.startswith("INSTANCE   SCHEDULE   KEPT")
    assert run("backup", "prune", "shop-kept", "--dry-run").out == "nothing is to be deleted\n"
    assert run("backup", "schedule", "shop-kept", "--off").out == (
        "shop-kept is backed up no longer; its backups stay\n"
    )
    assert run("backup", "schedules").out.startswith("no schedules yet")


@pytest.mark.slow
def test_serve_keeps_a_schedule(home: Path, repository: Path) -> None:
    run = CommandLine(home)
    assert run("create", "valkey:small", "-a", "shop").status == 0
    serving = run.start("serve")
    try:
        assert run("backup", "schedule", "shop-valkey", "* * * * *", "--keep", "1h").status == 0
        ending = time.monotonic() + 150
        while not (found := run("backup", "list", "--json").data["backups"]) or found[-1]["verified"] is None:
            assert time.monotonic() < ending, "a minute has begun meanwhile"
            time.sleep(1)
        assert run("backup", "schedules", "--json").data["schedules"][0]["troubles"] == []
    finally:
        serving.terminate()
        out, _err = serving.communicate(timeout=60)
    assert "shop-valkey is backed up as shop-valkey/" in out
    assert run("destroy", "shop-valkey", "--yes").status == 0
