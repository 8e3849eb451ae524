"""`run` and `env` read the state and nothing else, and leave to the whole of addonkit whatever is not plain."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import addonkit
from addonkit.cli import quick_run, server_states
from addonkit.cli.read_path import read
from addonkit.compute.process.identity import is_running
from addonkit.compute.process.record import read_record

MODULES = """
import json, os, sys
def show(*_arguments):
    print(json.dumps(sorted(sys.modules)), flush=True)
    os._exit(0)
os.execvpe = show
sys.argv = ["addonkit", *{argv!r}]
from addonkit.__main__ import main
import atexit
if {argv!r}[0] == "env":
    import addonkit.cli.streams as streams
    streams.write = show
main()
"""

NEVER = {"asyncio", "cattrs", "pluggy", "ssl", "http", "aiohttp", "importlib_metadata"}


@pytest.fixture
async def shop(home):
    """A home with an app that has a server, and variables set by hand."""
    async with addonkit.open(home) as kit:
        await kit.create("valkey:small", "shop")
        await kit.set_variables("shop", {"http_proxy": "p", "TOKEN": "t\u00e9\nt"}, sensitive=True)
    return home


@pytest.fixture
async def old_shop(shop):
    """The home of `shop`, whose server was started an hour ago."""
    record = next(shop.glob("pools/*/record"))
    document = json.loads(record.read_text())
    record.write_text(json.dumps({**document, "starts": [each - 3600 for each in document["starts"]]}))
    return shop


async def test_what_is_read_is_what_the_kit_answers(shop):
    found = read(str(shop), "shop")
    async with addonkit.open(shop) as kit:
        told = await kit.environment("shop")
    assert found is not None
    assert found.values == told.values
    assert (found.unset, found.programs) == (told.unset, told.programs)
    assert [(e.key, e.sensitive, e.source) for e in found.entries] == [
        (e.variable.key, e.variable.sensitive, e.source) for e in told.entries
    ]


async def test_a_server_that_is_down_or_hung_is_left_to_the_kit(shop):
    record = read_record(next(shop.glob("pools/*/record")))
    os.kill(record.server.pid, 19)
    while Path(f"/proc/{record.server.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        await asyncio.sleep(0.01)
    assert read(str(shop), "shop") is None
    assert read(str(shop), "shop", running=False) is not None
    os.kill(record.server.pid, 18)
    os.kill(record.server.pid, 9)
    while is_running(record.server):
        await asyncio.sleep(0.01)
    assert read(str(shop), "shop") is None


async def test_a_server_that_was_started_a_moment_ago_is_asked(shop, monkeypatch):
    asked = []
    answers = server_states._answers
    monkeypatch.setattr(server_states, "_answers", lambda *place: asked.append(place) or answers(*place))
    monkeypatch.setattr(server_states, "_BEGINNING", 3600.0)
    assert read(str(shop), "shop") is not None
    assert asked
    monkeypatch.setattr(server_states, "_answers", lambda *_place: False)
    assert read(str(shop), "shop") is None
    monkeypatch.setattr(server_states, "_BEGINNING", 0.0)
    assert read(str(shop), "shop") is not None


async def test_a_copy_of_a_home_is_left_to_the_kit(shop, tmp_path):
    shutil.copytree(
        shop, tmp_path / "copy", symlinks=True, ignore=lambda _path, names: [n for n in names if n.endswith(".sock")]
    )
    assert read(str(tmp_path / "copy"), "shop") is None


@pytest.mark.parametrize("change", ["app", "key", "schema", "damage", "byte", "phase", "backend", "nothing"])
async def test_whatever_is_not_plain_is_left_to_the_kit(shop, change, monkeypatch):
    state = shop / "state.db"
    with sqlite3.connect(state) as file:
        if change == "schema":
            file.execute("PRAGMA user_version = 99")
        if change == "damage":
            file.execute("UPDATE entity SET data = 'x' WHERE kind = 'association'")
        if change == "byte":
            file.execute("UPDATE entity SET data = replace(data, '127.0.0.1', '127.0.0.2') WHERE kind = 'association'")
        if change == "phase":
            file.execute('UPDATE entity SET data = replace(data, \'"phase":"active"\', \'"phase":"error"\')')
    file.close()
    if change == "key":
        monkeypatch.setenv("ADDONKIT_KEY", "A" * 43 + "=")
    if change == "backend":
        monkeypatch.setenv("ADDONKIT_BACKEND", "elsewhere")
    found = read(str(shop), "shpo" if change == "app" else "shop")
    assert (found is not None) is (change == "nothing")


def test_a_home_that_is_not_there_is_not_made(tmp_path):
    assert read(str(tmp_path / "none"), "shop") is None
    assert not (tmp_path / "none").exists()


def modules(argv, home):
    done = subprocess.run(
        [sys.executable, "-c", MODULES.format(argv=argv)],
        capture_output=True, text=True, check=True, timeout=60,
        env={"PATH": os.environ["PATH"], "ADDONKIT_HOME": str(home)},
    )  # fmt: skip
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("argv", "most"),
    [
        (["run", "-a", "shop", "--", "true"], 200),
        (["run", "-a", "shop", "true"], 200),
        (["run", "-a", "shop", "-v", "true"], 250),
        (["env", "-a", "shop", "--no-start"], 250),
    ],
)
@pytest.mark.pinned
def test_only_what_is_needed_is_imported(old_shop, argv, most):
    found = modules(argv, old_shop)
    tops = {name.partition(".")[0] for name in found}
    assert tops & NEVER == set()
    assert not [name for name in tops if name.startswith("addonkit_")]
    assert not [name for name in found if name.startswith(("addonkit.engine", "addonkit.registry", "addonkit.images"))]
    assert ("click" in tops) is (argv[0] == "env" or "-v" in argv)
    assert len(found) <= most, sorted(found)


def test_a_program_that_is_not_there_ends_the_quick_way_too(old_shop):
    done = subprocess.run(
        [sys.executable, "-m", "addonkit", "run", "-a", "shop", "--", "no-such-program"],
        capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": os.environ["PATH"], "ADDONKIT_HOME": str(old_shop)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == "error: cannot run 'no-such-program': there is no such program\n"


@pytest.mark.parametrize(
    ("argv", "ambient", "found"),
    [
        (["run", "-a", "shop", "--", "ls", "--json"], "", ("shop", ["ls", "--json"])),
        (["run", "--app", "shop", "ls", "-a", "x"], "", ("shop", ["ls", "-a", "x"])),
        (["run", "ls"], "blog", ("blog", ["ls"])),
        (["run", "--", "-odd"], "blog", ("blog", ["-odd"])),
        (["run", "-a", "shop", "--without", "x", "ls"], "", ("shop", ())),
        (["run", "-a"], "", ("", ())),
        (["run", "-a", "shop"], "", ("shop", ())),
        (["run"], "shop", ("shop", ())),
        (["run", "--help"], "shop", ("shop", ())),
        (["env", "-a", "shop", "--", "ls"], "", ("", ())),
        ([], "", ("", ())),
    ],
)
def test_only_the_plain_form_is_quick(argv, ambient, found, monkeypatch):
    monkeypatch.setenv("ADDONKIT_APP", ambient)
    app, command = quick_run._parse(argv)
    assert (app, list(command)) == (found[0], list(found[1]))
