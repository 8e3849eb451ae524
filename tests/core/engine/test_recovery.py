"""Unfinished executions are found and never run; finished ones are forgotten in their time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from addonkit.engine import retention
from addonkit.engine.recovery import unfinished
from addonkit.engine.retention import SweepResult, sweep
from addonkit.errors import SagaBlocked, SagaFailed
from addonkit.models.execution import Execution, ExecutionStatus

DAY, WEEK = timedelta(days=1), timedelta(days=7)


def fill(tx: Any, now: datetime) -> None:
    """Twenty executions that were completed a week ago."""
    for number in range(20):
        done = Execution(f"x{number:02}", "s", 1, ExecutionStatus.COMPLETED, (), finished=now - WEEK)
        tx.create(done.id, done)


async def ids(world: Any) -> list[str]:
    return [execution.id for execution in await unfinished(world.store, world.leases("me"))]


async def test_what_was_interrupted_is_found_oldest_first(world: Any) -> None:
    running = world.saga(world.step("one"), world.step("two"))
    undoing = world.saga(world.step("one"), world.step("two", ValueError("no")))
    await world.crash("journal:one", running, id="z")
    await world.clock.sleep(1)
    await world.crash("undo:two", undoing, id="a")
    log = list(world.log)

    assert await ids(world) == ["z", "a"]
    assert world.log == log, "nothing is run"


async def test_what_somebody_works_on_or_is_over_or_blocked_is_not_found(world: Any) -> None:
    await world.engine().ensure("done", world.saga(world.step("one")))
    with pytest.raises(SagaFailed):
        await world.engine().ensure("failed", world.saga(world.step("one", ValueError())))
    with pytest.raises(SagaBlocked):
        await world.engine().ensure("blocked", world.saga(world.step("one", ValueError(), undo=ValueError())))
    await world.crash("after:one", world.saga(world.step("one")), id="owned")
    await world.leases("another").acquire("execution/owned")

    assert await ids(world) == []

    world.dead.add("another")
    assert await ids(world) == ["owned"]


async def test_only_the_old_the_finished_and_the_forgotten_are_swept(world: Any) -> None:
    saga = world.saga(world.step("one"))
    for id in ("old", "referenced"):
        await world.engine().ensure(id, saga)
    with pytest.raises(SagaFailed):
        await world.engine().ensure("failed", world.saga(world.step("one", ValueError())))
    await world.crash("after:one", saga, id="running")
    await world.crash("after:one", saga, id="abandoned")
    await world.engine().abandon("abandoned")
    with pytest.raises(SagaBlocked):
        await world.engine().ensure("blocked", world.saga(world.step("one", ValueError(), undo=ValueError())))
    await world.clock.sleep(WEEK.total_seconds() + 60)
    await world.engine().ensure("young", saga)

    swept = await sweep(world.store, world.clock.now(), lambda e: None if e.id == "referenced" else WEEK)

    assert swept == SweepResult(3, "")

    left = [entity.name for entity in await world.store.list(Execution)]
    assert left == ["blocked", "referenced", "running", "young"]


async def test_a_sweep_looks_at_every_page(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PAGE", 3)
    now = world.clock.now()

    await world.store.transact(lambda tx: fill(tx, now))

    kept = {"x03", "x04", "x05", "x19"}

    swept = await sweep(world.store, now, lambda e: None if e.id in kept else DAY)

    assert swept == SweepResult(16, "")
    assert [entity.name for entity in await world.store.list(Execution)] == ["x03", "x04", "x05", "x19"]


async def test_a_sweep_can_be_done_in_parts(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PAGE", 3)
    now = world.clock.now()
    await world.store.transact(lambda tx: fill(tx, now))
    counts, after = [], ""
    while not counts or after:
        swept = await sweep(world.store, now, lambda _: DAY, after=after, pages=2)
        counts.append(swept.count)
        after = swept.next

    assert counts == [6, 6, 6, 2]
    assert await world.store.list(Execution) == ()


async def test_a_swept_id_can_be_used_anew(world: Any) -> None:
    saga = world.saga(world.step("one"))
    await world.engine().ensure("x", saga)
    await world.clock.sleep(60)
    await sweep(world.store, world.clock.now(), lambda _: timedelta())

    await world.engine().ensure("x", saga)

    assert world.log == ["one", "one"]
