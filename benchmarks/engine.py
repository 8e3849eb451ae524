"""Steps of sagas a second, one execution and 16 at once, beside commits of SQLite with the same synchronisation."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from bench_process import begin
from interleaved import heading, row

from addonkit import Saga, step
from addonkit.engine.engine import Engine
from addonkit.store.codec import Codec
from addonkit.store.leases import Leases
from addonkit.store.owner import owner_alive, this_owner
from addonkit.store.sealing import Sealer
from addonkit.store.sqlite import SqliteStore
from addonkit.util.clock import SystemClock

STEPS: Final = 5
EXECUTIONS: Final = 64
TURNS: Final = 7


def numbered(number: int) -> Any:
    """Return a step that gives a number and needs no undo."""

    async def count(start: int) -> int:
        return start + number

    count.__name__ = f"count_{number}"
    return step(gives=f"value_{number}", undo=None)(count)


SAGA: Final[Saga[None]] = Saga("bench.count", steps=[numbered(n) for n in range(STEPS)], inputs=["start"])


async def no_resources(_subject: Any, _names: Any) -> dict[str, Any]:
    """Return steps here need nothing of the engine's own."""
    return {}


async def sagas(folder: Path, at_once: int, turn: int) -> float:
    """Return seconds that one step takes."""
    clock = SystemClock()
    store = await SqliteStore.open(folder / f"state-{at_once}-{turn}.db", Codec(Sealer(os.urandom(32))), clock)
    engine = Engine(store, Leases(store, clock, this_owner(), owner_alive), clock, no_resources)

    async def worker(name: int) -> None:
        for number in range(EXECUTIONS // at_once):
            await engine.ensure(f"bench/{name}/{number}", SAGA, {"start": number})

    began = time.perf_counter()
    await asyncio.gather(*(worker(name) for name in range(at_once)))
    took = time.perf_counter() - began
    await store.close()
    return took / (EXECUTIONS * STEPS)


def commits(folder: Path, turn: int) -> float:
    """Return seconds that one commit of a row takes."""
    connection = sqlite3.connect(folder / f"raw-{turn}.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE entry (number INTEGER PRIMARY KEY, data TEXT)")
    began = time.perf_counter()
    for _ in range(EXECUTIONS * STEPS):
        connection.execute("INSERT INTO entry (data) VALUES (?)", ("x" * 200,))
    took = time.perf_counter() - began
    connection.close()
    return took / (EXECUTIONS * STEPS)


def main() -> None:
    """Measure by turns and print the table; a ratio of 2.5 is 0.4 times as many steps as commits."""
    begin()
    seconds: dict[str, list[float]] = {"a commit": [], "a step, alone": [], "a step, 16 executions at once": []}
    with tempfile.TemporaryDirectory(prefix="addonkit-bench-") as name:
        for turn in range(TURNS):
            seconds["a commit"].append(commits(Path(name), turn))
            seconds["a step, alone"].append(asyncio.run(sagas(Path(name), 1, turn)))
            seconds["a step, 16 executions at once"].append(asyncio.run(sagas(Path(name), 16, turn)))
    print(heading())
    print(row("a step, alone", "a commit", seconds, "2.5"))
    print(row("a step, 16 executions at once", "a commit", seconds, "0.83"))


if __name__ == "__main__":
    main()
