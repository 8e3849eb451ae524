"""What creates and destroys cost, counted in what does not depend on the machine: a number that grows is looked at.

Each number may fall; one that has to grow is changed here, with the reason in the commit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import addonkit
from addonkit.compute.process import prepare
from addonkit.compute.process.backend import ProcessBackend
from addonkit.store.sqlite import SqliteStore
from addonkit.util import file_trees
from addonkit_postgresql import blockers
from addonkit_postgresql.session import Administrator

MOST = {
    # How often a server that starts is looked at depends on the machine.
    ("postgresql:small", "create"): {"writes": 20, "sessions": 2, "statements": 8, "syncs": 7},
    ("postgresql:small", "destroy"): {"writes": 19, "reads": 14, "looks": 1},
    ("postgresql:shared", "create"): {"writes": 10, "reads": 15, "looks": 2, "sessions": 2, "statements": 10},
    ("postgresql:shared", "destroy"): {"writes": 8, "reads": 14, "looks": 2, "sessions": 1, "statements": 10},
    ("valkey:shared", "create"): {"writes": 10, "reads": 15, "looks": 2},
    ("valkey:shared", "destroy"): {"writes": 8, "reads": 14, "looks": 2},
}
"""Writes and reads of the state, looks at servers, sessions of PostgreSQL's superuser and their statements, and calls
of fsync and syncfs in this process."""


def count(monkeypatch: pytest.MonkeyPatch, counted: Counter[str], owner: Any, method: str, name: str) -> None:
    whole = getattr(owner, method)

    async def counting(*args: Any, **kwargs: Any) -> Any:
        counted[name] += 1
        return await whole(*args, **kwargs)

    monkeypatch.setattr(owner, method, counting)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    counted: Counter[str] = Counter()
    count(monkeypatch, counted, SqliteStore, "transact", "writes")
    count(monkeypatch, counted, SqliteStore, "read", "reads")
    count(monkeypatch, counted, ProcessBackend, "observe", "looks")
    connect, fsync, syncfs = Administrator._connect, os.fsync, file_trees.sync_file_system

    async def connecting(self: Administrator, *args: Any) -> asyncpg.Connection:
        connection = await connect(self, *args)
        counted["sessions"] += 1
        connection.add_query_logger(lambda _: counted.update(statements=1))
        return connection

    def syncing(descriptor: int) -> None:
        counted["syncs"] += 1
        fsync(descriptor)

    def syncing_all(directory: Path) -> None:
        counted["syncs"] += 1
        syncfs(directory)

    monkeypatch.setattr(Administrator, "_connect", connecting)
    monkeypatch.setattr(blockers, "PATIENCE", 300.0)  # its sessions come where a machine is slow
    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(prepare, "sync_file_system", syncing_all)
    return counted


async def test_a_create_and_a_destroy_do_no_more_than_they_did(home: Path, counted: Counter[str]) -> None:
    async with addonkit.open(home) as kit:
        for spec in dict.fromkeys(spec for spec, _ in MOST):
            first, name = spec.replace(":", "-"), spec.partition(":")[0]
            await kit.create(spec, app=first)  # makes what all share: the server, the template
            counted.clear()
            await kit.create(spec, app=f"{first}-2")
            assert_at_most(counted, spec, "create")
            counted.clear()
            await kit.destroy(f"{first}-2-{name}")
            assert_at_most(counted, spec, "destroy")


def assert_at_most(counted: Counter[str], spec: str, verb: str) -> None:
    most = MOST[spec, verb]
    starts = ("reads", "looks") if (spec, verb) == ("postgresql:small", "create") else ()
    more = {what: number for what, number in counted.items() if number > most.get(what, 0) and what not in starts}
    assert not more, f"{verb} {spec} did {dict(counted)}, and at most {most} is agreed"


COMMAND = """
import json, sys
from addonkit.cli.main import main
try:
    main(["--home", sys.argv[1], "create", "valkey:shared", "-a", sys.argv[2]])
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""

OWN = 206
"""Modules of addonkit that a create on a server that runs imports, at most."""

NEVER = (
    "addonkit.compute.process.starter",
    "addonkit.models.views",
    "aiohttp",
    "asyncpg",
    "cattrs",
    "rich",
    "addonkit_postgresql",
    "addonkit_s3_remote",
    "addonkit.images",
    "tarfile",
    "zstandard",
)


def test_a_create_imports_no_more_than_it_did(home: Path) -> None:
    for app in ("first", "shop"):  # the first one starts the server, and imports what that takes
        done = subprocess.run([sys.executable, "-c", COMMAND, home, app], capture_output=True, text=True, check=True)
    modules = json.loads(done.stderr.splitlines()[-1])
    own = [name for name in modules if name.partition(".")[0] == "addonkit"]
    assert len(own) <= OWN, f"it imports {len(own)} modules of addonkit"
    assert not [name for name in modules if name.startswith(NEVER)]
