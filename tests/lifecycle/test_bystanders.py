"""One server that hangs, one disk that is broken: commands about others wait for nothing of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import addonkit
from addonkit.compute.process.identity import session_members
from addonkit.compute.process.open_files import working_in
from addonkit.compute.process.record import read_record
from addonkit.models.compute import Pool
from addonkit.provider.framework import ProviderFramework
from addonkit.store.interface import Transaction
from addonkit.testing.command import CommandLine

APPS = ("blog", "shop", "wiki")


@pytest.fixture
async def hung(home: Path) -> AsyncIterator[str]:
    """Three apps with servers of their own; that of the shop is stopped by a signal. Its id."""
    async with addonkit.open(home) as kit:
        for app in APPS:
            await kit.create("valkey:small", app=app)
        server = (await kit.show("shop-valkey")).instance.server
    record = read_record(home / f"pools/{server}/record")
    assert record is not None
    members = session_members(record.server.pid)
    for pid in members:
        os.kill(pid, signal.SIGSTOP)
    yield server
    for pid in members:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of pools that are waited for, as it happens."""
    names: list[str] = []
    wait = ProviderFramework.wait_for_pool

    async def noted(self: ProviderFramework, name: str, *more: Any, **named: Any) -> Pool:
        names.append(name)
        return await wait(self, name, *more, **named)

    monkeypatch.setattr(ProviderFramework, "wait_for_pool", noted)
    return names


async def test_nothing_waits_for_a_server_of_somebody_else_that_hangs(home: Path, hung: str, waits: list[str]) -> None:
    async with addonkit.open(home) as kit:
        waits.clear()  # what opening began goes on beside the work
        assert (await kit.heal("blog")).failed == {}
        await kit.environment("blog")
        await kit.create("valkey:shared", app="blog", alias="cache")
        await kit.attach("blog-valkey", "wiki", alias="blogs")
        await kit.detach("blog-valkey", "wiki")
        await kit.destroy("wiki-valkey")
        states = {view.instance.name: view.server_state for view in await kit.instances()}

        assert hung not in waits
        assert states == {"blog-valkey": "running", "shop-valkey": "starting", "blog-cache": "running"}
        await _shorten_its_start(kit, hung)
        assert "shop-valkey" in (await kit.heal("shop")).failed, "its own app is told"


async def _shorten_its_start(kit: addonkit.Kit, pool: str) -> None:
    """Leave it less time than it has been up: its own app then waits for it as for one that has hung for long."""

    def shorten(tx: Transaction) -> None:
        entity = tx.get(Pool, pool)
        assert entity is not None
        tx.put(entity, attrs.evolve(entity.value, spec=attrs.evolve(entity.value.spec, port_wait_timeout=0.1)))

    await kit._store.transact(shorten)


def test_commands_about_others_succeed_beside_a_server_that_hangs(addonkit_command: CommandLine, hung: str) -> None:
    del hung
    for words in (
        ("list",),
        ("env", "-a", "blog"),
        ("run", "-a", "blog", "--", "true"),
        ("create", "valkey:small", "-a", "fourth"),
        ("attach", "blog-valkey", "-a", "fourth", "--as", "blogs"),
        ("restart", "wiki-valkey"),
        ("destroy", "wiki-valkey", "--yes"),
    ):
        ended = addonkit_command(*words)
        assert ended.status == 0, (words, ended.err)


@pytest.mark.all_day("valkey:small")
@pytest.mark.parametrize("spec", ["valkey:small", "postgresql:small"])
def test_a_broken_disk_stops_nothing_else(addonkit_command: CommandLine, home: Path, spec: str) -> None:
    addon = spec.partition(":")[0]
    for app in ("shop", "blog"):
        assert addonkit_command("create", spec, "-a", app).status == 0
    (shown,) = [each for each in addonkit_command("list", "--json").data["instances"] if each["app"] == "shop"]
    assert addonkit_command("stop", f"shop-{addon}").status == 0
    run = home / "pools" / shown["server"]["id"] / "run"
    shutil.rmtree(run)
    run.touch()
    started = addonkit_command("start", f"shop-{addon}")
    assert (started.status, "this is a bug" in started.err) == (1, False), started.err
    assert f"File exists: {run}" in started.out
    run.unlink()

    shutil.rmtree(home / "disks" / shown["server"]["id"])
    started = addonkit_command("start", f"shop-{addon}")
    assert (started.status, "this is a bug" in started.err) == (1, False), started.err
    for words in (
        ("list",),
        ("run", "-a", "blog", "--", "true"),
        ("create", "valkey:shared", "-a", "third"),
        ("destroy", f"blog-{addon}", "--yes"),
        ("destroy", f"shop-{addon}", "--yes"),
    ):
        ended = addonkit_command(*words)
        assert ended.status == 0, (words, ended.err)


@pytest.mark.all_day("postgresql")
@pytest.mark.parametrize("addon", ["valkey", "postgresql"])
def test_commands_about_a_shared_server_that_hangs_end_soon_with_one_line(
    addonkit_command: CommandLine, home: Path, addon: str
) -> None:
    """Hung for long: none of them waits for it as for a server that is starting, or tries again what cannot pass."""
    for app in ("blog", "wiki"):
        assert addonkit_command("create", f"{addon}:shared", "-a", app).status == 0
    (record,) = home.glob("pools/*/record")
    said = json.loads(record.read_text())
    record.write_text(json.dumps(said | {"starts": [each - 600 for each in said["starts"]]}))
    stopped = working_in(home / "disks", None) or (said["pid"],)
    for pid in (said["pid"], *stopped):
        os.kill(pid, signal.SIGSTOP)

    for words in (
        ("run", "-a", "blog", "--", "true"),
        ("shell", f"blog-{addon}"),
        ("backup", "create", f"blog-{addon}"),
        ("clone", f"blog-{addon}", "-a", "copy"),
        ("destroy", f"blog-{addon}", "--yes"),
    ):
        ended = addonkit_command(*words)
        assert ended.status == 1, words
        assert "answer" in ended.err.splitlines()[-1], ended.err

    assert addonkit_command("restart", f"wiki-{addon}", "--yes").status == 0
    assert addonkit_command("destroy", f"blog-{addon}", "--yes").status == 0
    assert addonkit_command("doctor").status == 0
