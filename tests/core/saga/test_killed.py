"""A real process, really killed at each point, on a real file: the next process ends what it began."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, sys
from pathlib import Path
from addonkit.clock import SystemClock
from addonkit.errors import SagaFailed
from addonkit.saga.definition import Saga, step
from addonkit.saga.engine import Engine
from addonkit.store.codec import Codec
from addonkit.store.leases import Leases
from addonkit.store.owner import owner_alive, this_owner
from addonkit.store.sealing import Sealer
from addonkit.store.sqlite import SqliteStore

home, fail = Path(sys.argv[1]), sys.argv[2] == "fail"

def a_step(name):
    async def run() -> None:
        (home / name).touch()
        if fail and name == "three":
            raise ValueError("no")
    async def back() -> None:
        (home / name).unlink(missing_ok=True)
    run.__name__ = name
    return step(undo=back)(run)

SAGA = Saga("killed.saga", steps=[a_step(n) for n in ("one", "two", "three")])

async def main():
    clock = SystemClock()
    store = await SqliteStore.open(home / "state.db", Codec(Sealer(bytes(32))), clock)
    async def resources(subject):
        return {}
    try:
        engine = Engine(store, Leases(store, clock, this_owner(), owner_alive), clock, resources)
        await engine.ensure("x", SAGA)
    finally:
        await store.close()

try:
    asyncio.run(main())
except SagaFailed:
    sys.exit(7)
"""


def run(home: Path, how: str, fault: str = "") -> int:
    environment = {"ADDONKIT_FAULT": fault} if fault else {}
    command = [sys.executable, "-c", PROGRAM, str(home), how]
    return subprocess.run(command, env=environment, timeout=60, check=False).returncode


def effects(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir() if path.name in {"one", "two", "three"})


@pytest.mark.parametrize("point", ["before:two", "after:two", "journal:two", "after:three"])
def test_killed_on_the_way_there_it_arrives(tmp_path: Path, point: str) -> None:
    assert run(tmp_path, "work", f"{point}=kill") == -signal.SIGKILL

    assert run(tmp_path, "work") == 0
    assert effects(tmp_path) == ["one", "three", "two"]


@pytest.mark.parametrize("point", ["undo:three", "undo:two", "undo:one"])
def test_killed_on_the_way_back_nothing_is_left(tmp_path: Path, point: str) -> None:
    assert run(tmp_path, "fail", f"{point}=kill") == -signal.SIGKILL

    assert run(tmp_path, "fail") == 7
    assert effects(tmp_path) == []
