"""A real process, really killed at each point, on a real file: the next process goes on where the journal ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, sys
from pathlib import Path
from addonkit.util.clock import SystemClock
from addonkit.errors import SagaFailed
from addonkit.saga.saga import Saga
from addonkit.saga.step import step
from addonkit.engine.engine import Engine
from addonkit.store.codec import Codec
from addonkit.store.leases import Leases
from addonkit.store.owner import owner_alive, this_owner
from addonkit.store.sealing import Sealer
from addonkit.store.sqlite import SqliteStore

home, fail = Path(sys.argv[1]), sys.argv[2] == "fail"

def log(line):
    with (home / "log").open("a") as file:
        file.write(line + " ")

def a_step(name):
    async def run() -> None:
        log(name)
        (home / name).touch()
        if fail and name == "three":
            raise ValueError("no")
    async def back() -> None:
        log("-" + name)
        (home / name).unlink(missing_ok=True)
    run.__name__ = name
    return step(undo=back)(run)

SAGA = Saga("killed.saga", steps=[a_step(n) for n in ("one", "two", "three")])

async def main():
    clock = SystemClock()
    store = await SqliteStore.open(home / "state.db", Codec(Sealer(bytes(32))), clock)
    async def resources(subject, _names):
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
FAILED = 7


def run(home: Path, how: str, fault: str = "") -> int:
    environment = {**os.environ, "ADDONKIT_FAULT": fault}
    command = [sys.executable, "-c", PROGRAM, str(home), how]
    return subprocess.run(command, env=environment, timeout=60, check=False).returncode


def kill_at(home: Path, how: str, *points: str) -> None:
    """Let one process after the other come as far as the next point."""
    for point in points:
        assert run(home, how, f"{point}=kill") == -signal.SIGKILL, point


def effects(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir() if path.name in {"one", "two", "three"})


def log(home: Path) -> str:
    return (home / "log").read_text().strip()


def test_killed_at_every_point_on_the_way_there_it_arrives(home: Path) -> None:
    kill_at(
        home, "work", *(f"{when}:{name}" for name in ("one", "two", "three") for when in ("before", "after", "journal"))
    )

    assert run(home, "work") == 0
    assert effects(home) == ["one", "three", "two"]
    assert log(home) == "one one two two three three", "once to be killed after it, once to be journaled"


def test_killed_at_every_point_on_the_way_back_nothing_is_left(home: Path) -> None:
    kill_at(home, "fail", "undo:three", "undo:two", "undo:one")

    assert run(home, "fail") == FAILED
    assert effects(home) == []
    assert log(home) == "one two three -three -three -two -two -one -one"


@pytest.mark.parametrize("point", ["after:two", "after:three"])
def test_killed_on_the_way_there_the_next_may_still_fail(home: Path, point: str) -> None:
    kill_at(home, "work", point)

    assert run(home, "fail") == FAILED
    assert effects(home) == []
