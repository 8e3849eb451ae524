"""What a step costs the store, as counts that are the same on every machine."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from addonkit import Saga, step
from addonkit.engine.engine import Engine
from addonkit.store.codec import Codec
from addonkit.store.leases import Leases
from addonkit.store.owner import owner_alive, this_owner
from addonkit.store.sealing import Sealer
from addonkit.store.sqlite import SqliteStore
from addonkit.util.clock import SystemClock

STEPS = 5


def numbered(number: int, *, effect: bool = True) -> Any:
    async def count(start: int) -> int:
        return start + number

    count.__name__ = f"count_{number}"
    return step(gives=f"value_{number}", undo=None, effect=effect)(count)


SAGA: Saga[None] = Saga("test.count", steps=[numbered(n) for n in range(STEPS)], inputs=["start"])


MIXED: Saga[None] = Saga(
    "test.mixed", steps=[numbered(n, effect=n not in {1, 2, 4}) for n in range(STEPS)], inputs=["start"]
)
"""Two of its steps change something."""


async def words_of(home: Path, executions: int, saga: Saga[None] = SAGA) -> Counter[str]:
    """First words of the statements that executions need."""
    return Counter(statement.split()[0] for statement in await statements_of(home, executions, saga))


async def statements_of(home: Path, executions: int, saga: Saga[None] = SAGA) -> list[str]:
    """The statements that executions need, all begun at the same time, in a store that is open."""
    clock = SystemClock()
    store = await SqliteStore.open(home / "state.db", Codec(Sealer(os.urandom(32))), clock)
    engine = Engine(store, Leases(store, clock, this_owner(), owner_alive), clock, _no_resources)
    await engine.ensure("warm", SAGA, {"start": 0})
    seen: list[str] = []
    await store._writer.run("trace", lambda connection: connection.set_trace_callback(seen.append))
    await asyncio.gather(*(engine.ensure(f"x{number}", saga, {"start": number}) for number in range(executions)))
    await store._writer.run("trace", lambda connection: connection.set_trace_callback(None))
    await store.close()
    return seen


async def _no_resources(_subject: Any, _names: Any) -> dict[str, Any]:
    return {}


async def test_an_execution_commits_once_a_step_and_once_at_its_end(home: Path) -> None:
    found = await words_of(home, 1)

    assert found["COMMIT"] == STEPS + 1
    assert found["BEGIN"] <= STEPS + 4  # reads: whether there is an execution, and what the watch begins with
    # A step reads its lease, writes its execution with what it is listed by, and notes the change; status and lease
    # change at both ends only.
    assert found["UPDATE"] == STEPS + 1
    assert found["INSERT"] <= 2 * STEPS + 8
    # The watch looks for changes by a PRAGMA, as often as time passes.
    assert found.total() - found["PRAGMA"] <= 7 * STEPS + 17, found


async def test_nothing_is_removed_for_an_execution_that_is_the_first_of_its_id(home: Path) -> None:
    assert not [each for each in await statements_of(home, 1) if each.startswith("SELECT revision FROM entity ")]


async def test_a_step_that_changes_nothing_has_no_commit_of_its_own(home: Path) -> None:
    assert (await words_of(home, 1, MIXED))["COMMIT"] == 2 + 1


@pytest.mark.parametrize("executions", [16])
async def test_executions_at_the_same_time_share_their_commits(home: Path, executions: int) -> None:
    found = await words_of(home, executions)

    assert found["COMMIT"] <= 2 * (STEPS + 1)
    assert found["SAVEPOINT"] == 0
