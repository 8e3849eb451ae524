"""What the commands of every day cost, as counts that are the same on every machine."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time

import pytest

import addonkit
from addonkit.cli.installed_cache import FILE
from addonkit.testing.home import temporary_home

COUNT = """
import json, os, sqlite3, sys
sys.path[:] = {path!r}
counts = {{"statements": 0, "commits": 0, "syncs": 0}}
connect, sync = sqlite3.connect, os.fsync
before = set(sys.modules)

def counted(statement):
    counts["statements"] += 1
    counts["commits"] += statement == "COMMIT"

def connected(*args, **options):
    connection = connect(*args, **options)
    connection.set_trace_callback(counted)
    return connection

def synced(descriptor):
    counts["syncs"] += 1
    return sync(descriptor)

def end(*_arguments):
    counts["modules"] = len(set(sys.modules) - before)
    os.write(2, b"\\n" + json.dumps(counts).encode())
    os.kill(os.getpid(), 9)

sqlite3.connect, os.fsync, os._exit, os.execvpe = connected, synced, end, end
sys.argv = ["addonkit", *{argv!r}]
from addonkit.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def shop():
    """A home with an app that has a server, of which a `list` has taken note."""

    async def fill(home):
        async with addonkit.open(home) as kit:
            await kit.create("valkey:small", "shop")
            await kit.set_variables("shop", {"DEBUG": "1"})

    with temporary_home() as home:
        asyncio.run(fill(home))
        record = next(home.glob("pools/*/record"))  # of a server that was started an hour ago
        document = json.loads(record.read_text())
        record.write_text(json.dumps({**document, "starts": [each - 3600 for each in document["starts"]]}))
        deadline = time.monotonic() + 20
        while not (home / FILE).exists():  # files that this test run has just compiled are too young at first
            assert time.monotonic() < deadline
            cost(home, "list")
            time.sleep(0.5)
        yield home


def cost(home, *argv):
    """Modules that a command imports beside sqlite3 and json, statements, commits and syncs that it makes."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT.format(argv=argv, path=["/usr/bin", *sys.path[1:]])],
        capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": os.environ["PATH"], "ADDONKIT_HOME": str(home)},
    )  # fmt: skip
    return json.loads(done.stderr.splitlines()[-1])


LATER = 2 * (sys.version_info.minor - 11)
"""Modules that a later Python has beside those of 3.11: it splits its own."""


@pytest.mark.parametrize(
    ("argv", "modules", "statements"),
    [
        (("--version",), 15, 0),
        (("--help",), 80, 0),
        (("run", "-a", "shop", "--", "true"), 115, 9),
        (("env", "-a", "shop"), 190, 9),
        # One statement each for what is noted of backups and of disks.
        (("list",), 195, 14),
        (("list", "--json"), 195, 14),
        (("list", "-a", "shop"), 196, 17),
    ],
)
@pytest.mark.pinned
def test_a_command_that_changes_nothing_writes_nothing_and_imports_little(shop, argv, modules, statements):
    found = cost(shop, *argv)

    assert (found["commits"], found["syncs"]) == (0, 0)
    assert found["statements"] <= statements, found
    assert found["modules"] <= modules + LATER, found


@pytest.mark.parametrize("argv", [("run", "-a", "shop", "--", "true"), ("env", "-a", "shop"), ("list", "-a", "shop")])
def test_it_costs_as_much_when_there_is_more_that_it_is_not_about(shop, argv):
    before = cost(shop, *argv)["statements"]

    async def fill():
        async with addonkit.open(shop, heal=False) as kit:
            for number in range(30):
                await kit.set_variables(f"{'-'.join(argv[:1])}{number}", {"DEBUG": "1"})

    asyncio.run(fill())
    assert cost(shop, *argv)["statements"] == before
