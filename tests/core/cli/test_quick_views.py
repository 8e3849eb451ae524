"""`list` prints the same on both ways, and takes the quick one when there is nothing to do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

import addonkit
from addonkit.cli import quick_views
from addonkit.cli.installed_cache import FILE
from addonkit.cli.main import main
from addonkit.compute.process.record import read_record
from addonkit.store.keys import checksum
from addonkit.testing.home import temporary_home

COMMANDS = (
    ("list",),
    ("list", "--json"),
    ("list", "--no-start"),
    ("list", "-a", "shop"),
    ("list", "-a", "blog", "--json"),
)


@pytest.fixture(scope="module")
def shops():
    """A home with a dedicated server that two apps use, and a shared one with two tenants."""

    async def fill(home):
        async with addonkit.open(home) as kit:
            await kit.create("valkey:small", "shop")
            await kit.attach("shop-valkey", "blog", alias="cache")
            await kit.create("valkey:shared", "shop", alias="queue")
            await kit.create("valkey:shared", "blog")

    with temporary_home() as home:
        asyncio.run(fill(home))
        yield home


@pytest.fixture
def addonkit_in(shops, capsys, monkeypatch):
    """Runs a command in the home of this process; answers its status and what it wrote."""
    monkeypatch.setenv("ADDONKIT_HOME", str(shops))

    def run(*argv, quick=True):
        with monkeypatch.context() as patch, pytest.raises(SystemExit) as end:
            if not quick:
                patch.setattr(quick_views, "open_state", lambda _home: contextlib.nullcontext(None))
            main(argv)
        return (end.value.code, *capsys.readouterr())

    deadline = time.monotonic() + 20
    while not (shops / FILE).exists():  # files that this test run has just compiled are too young at first
        assert time.monotonic() < deadline
        run("list", quick=False)
        time.sleep(0.5)
    return run


@pytest.fixture
def quick(monkeypatch):
    """Names of commands that took the quick way."""
    taken = []
    for name in ("_list",):
        function = getattr(quick_views, name)

        def noted(*args, function=function, **options):
            found = function(*args, **options)
            taken.append(function.__name__)
            return found

        monkeypatch.setattr(quick_views, name, noted)
    return taken


def test_both_ways_print_the_same_and_the_quick_one_is_taken(addonkit_in, quick):
    for argv in COMMANDS:
        assert addonkit_in(*argv) == addonkit_in(*argv, quick=False)
    assert {*quick} == {"_list"}
    assert "running" in addonkit_in("list")[1]
    shown = json.loads(addonkit_in("show", "shop-valkey", "--json")[1])
    assert shown["server"]["state"] == "running"
    assert {each["alias"] for each in shown["apps"]} == {"", "cache"}


def test_servers_that_were_stopped_need_no_long_way(addonkit_in, quick):
    addonkit_in("stop", "shop-valkey", "--yes")
    try:
        for argv in (("list",), ("list", "--json"), ("list", "--no-start", "-a", "blog")):
            assert addonkit_in(*argv) == addonkit_in(*argv, quick=False)
        assert quick
        assert "stopped" in addonkit_in("list")[1]
        assert addonkit_in("list", "-a", "shop") == addonkit_in("list", "-a", "shop", quick=False)
        assert "was stopped" in addonkit_in("list", "-a", "shop")[2]
    finally:
        addonkit_in("start", "shop-valkey")


CHANGES = {
    "error": ("instance", '"phase":"active","message":""', '"phase":"error","message":"no room"'),
    "retried": ("instance", '"phase":"active","message":""', '"phase":"provisioning","message":"waits"'),
    "leaving": ("association", '"phase":"active"', '"phase":"deprovisioning"'),
    "unbound": ("association", '"phase":"active"', '"phase":"error"'),
    "unknown addon": ("instance", '"addon":"valkey"', '"addon":"memo"'),
    "other distribution": ("instance", '"distribution":"addonkit-valkey"', '"distribution":"acme"'),
    "no server": ("instance", '"server":"', '"server":"gone-'),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_needs_an_explanation_takes_the_long_way(shops, addonkit_in, quick, change):
    kind, old, new = CHANGES[change]
    with contextlib.closing(sqlite3.connect(shops / "state.db", isolation_level=None)) as file:
        before = file.execute("SELECT data, kind, name FROM entity WHERE kind = ?", (kind,)).fetchall()
        assert all(old in data for data, *_row in before)
        file.execute("UPDATE entity SET data = replace(data, ?, ?) WHERE kind = ?", (old, new, kind))
        sum_up(file)
        try:
            for argv in (
                ("list", "--no-start"),
                ("list", "--no-start", "--json"),
            ):
                assert addonkit_in(*argv) == addonkit_in(*argv, quick=False)
            assert not quick
        finally:
            file.executemany("UPDATE entity SET data = ? WHERE kind = ? AND name = ?", before)
            sum_up(file)


@pytest.mark.parametrize("argv", [("list", "-a", "shpo"), ("list", "--home", "/proc/nowhere")])
def test_mistakes_are_told_by_the_long_way(addonkit_in, quick, argv):
    assert addonkit_in(*argv) == addonkit_in(*argv, quick=False)
    assert addonkit_in(*argv)[0] == 1
    assert not quick


def test_an_app_that_the_environment_names_is_told_of(addonkit_in, quick, monkeypatch):
    monkeypatch.setenv("ADDONKIT_APP", "blog")
    assert addonkit_in("list") == addonkit_in("list", quick=False)
    assert "from ADDONKIT_APP" in addonkit_in("list")[2]
    assert quick


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_server_that_does_not_answer_is_looked_at_closely(shops, addonkit_in, quick, number):
    view = json.loads(addonkit_in("show", "shop-valkey", "--json")[1])
    quick.clear()
    pid = read_record(shops / "pools" / view["server"]["id"] / "record").server.pid
    os.kill(pid, number)
    while Path(f"/proc/{pid}").exists() and state_of(pid) not in "TZ":
        time.sleep(0.01)
    try:
        assert addonkit_in("list", "--no-start") == addonkit_in("list", "--no-start", quick=False)
        assert not quick
        if number == signal.SIGKILL:
            assert "crashed" in addonkit_in("list", "--no-start")[1]
            assert "started again" in addonkit_in("list")[2]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def sum_up(file):
    """Write the checksums of rows that a test has changed."""
    columns = ("kind", "name", "data", "revision", "created", "updated")
    file.create_function("sum_of", len(columns), checksum)
    file.execute(f"UPDATE entity SET checksum = sum_of({', '.join(columns)})")


def state_of(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
