"""One process at a time runs an execution; the others wait for it, or go on where it died."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from addonkit.engine import failpoints
from addonkit.errors import LeaseLost, SagaFailed, StoreFull
from addonkit.models.execution import Execution, ExecutionStatus, StepStatus
from addonkit.models.lease import Lease
from addonkit.saga.step import step


@pytest.fixture(params=["memory", "sqlite"])
def any_world(request: pytest.FixtureRequest, world: Any) -> Any:
    return world if request.param == "memory" else request.getfixturevalue("world_on_disk")


def steal(tx: Any) -> None:
    """Take the lease of x over, as a process does that takes its owner for dead."""
    entity = tx.get(Lease, "execution/x")
    tx.put(entity, attrs.evolve(entity.value, owner="thief", fence=entity.value.fence + 1))


async def test_many_ask_one_runs_all_get_the_result(any_world: Any) -> None:
    @step(gives="result", undo=None)
    async def slow(framework: Any) -> int:
        framework.log.append("slow")
        await asyncio.sleep(0.01)
        return 7

    engines = [any_world.engine(f"engine {number}") for number in range(8)]

    results = await asyncio.gather(*(engine.ensure("x", any_world.saga(slow)) for engine in engines))

    assert results == [7] * 8
    assert any_world.log == ["slow"]


async def test_a_result_that_is_there_needs_no_lease(any_world: Any) -> None:
    saga = any_world.saga(any_world.step("one"))
    await any_world.engine().ensure("x", saga)
    await any_world.leases("another").acquire("execution/x")

    async with asyncio.timeout(10):
        await any_world.engine().ensure("x", saga)


async def test_many_ask_one_fails_all_are_told_why(any_world: Any) -> None:
    async def fail() -> None:
        await asyncio.sleep(0.01)
        raise ValueError("no")

    saga = any_world.saga(any_world.step("one", fail))

    asking = (any_world.engine(f"engine {n}").ensure("x", saga) for n in range(4))
    outcomes = await asyncio.gather(*asking, return_exceptions=True)

    assert {str(outcome) for outcome in outcomes} == {"one: ValueError: no"}
    assert sum(outcome.__cause__ is not None for outcome in outcomes) == 1, "who ran it has the cause"
    assert any_world.log == ["one", "undo one"]


async def test_when_the_owner_dies_one_of_those_who_wait_goes_on(world: Any) -> None:
    waiting = asyncio.Event()

    async def hang_once() -> None:
        if not waiting.is_set():
            waiting.set()
            await asyncio.Event().wait()

    saga = world.saga(world.step("one"), world.step("two", hang_once))
    owner = asyncio.create_task(world.engine("one").ensure("x", saga))
    await waiting.wait()
    heirs = [asyncio.create_task(world.engine(name).ensure("x", saga)) for name in ("two", "three")]
    await asyncio.sleep(0.01)

    world.dead.add("one")
    await asyncio.gather(*heirs)

    assert world.log == ["one", "two", "two"]
    owner.cancel()
    await asyncio.gather(owner, return_exceptions=True)
    assert await world.status() is ExecutionStatus.COMPLETED, "the dead one's end changes nothing"


async def test_an_owner_that_gives_up_leaves_the_work_to_who_waits(world: Any) -> None:
    waiting = asyncio.Event()

    async def hang_once() -> None:
        if not waiting.is_set():
            waiting.set()
            await asyncio.Event().wait()

    saga = world.saga(world.step("one", hang_once))
    owner = asyncio.create_task(world.engine("one").ensure("x", saga))
    await waiting.wait()
    heir = asyncio.create_task(world.engine("two").ensure("x", saga))
    await asyncio.sleep(0.01)

    owner.cancel()
    await heir

    assert world.log == ["one", "one"]


@pytest.mark.parametrize("fails", [True, False])
async def test_who_lost_the_lease_journals_nothing_and_undoes_nothing(any_world: Any, fails: bool) -> None:
    async def lose() -> None:
        await any_world.store.transact(steal)
        if fails:
            raise ValueError("no")

    with pytest.raises(LeaseLost, match="thief has taken it over"):
        await any_world.engine().ensure("x", any_world.saga(any_world.step("one"), any_world.step("two", lose)))

    execution = await any_world.execution()
    assert execution.status is ExecutionStatus.RUNNING
    assert execution.steps[1].status is StepStatus.STARTED
    assert any_world.log == ["one", "two"]


async def test_the_lease_comes_with_the_first_entry_and_goes_with_the_last(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    transact, entries = world.store.transact, []

    async def noted(decide: Any) -> Any:
        found = await transact(decide)
        lease, execution = await world.store.get(Lease, "execution/x"), await world.execution()
        entries.append((bool(lease.value.owner), [record.status.value for record in execution.steps]))
        return found

    monkeypatch.setattr(world.store, "transact", noted)
    await world.engine().ensure("x", world.saga(world.step("one"), world.step("two")))

    assert entries == [
        (True, ["started", "pending"]),
        (True, ["done", "started"]),
        (False, ["done", "done"]),
    ]


async def test_who_lost_the_lease_while_undoing_leaves_the_rest_alone(world: Any) -> None:
    async def lose() -> None:
        await world.store.transact(steal)

    saga = world.saga(world.step("one"), world.step("two", undo=lose), world.step("three", ValueError("no")))

    with pytest.raises(LeaseLost):
        await world.engine().ensure("x", saga)

    assert world.log == ["one", "two", "three", "undo three", "undo two"]
    assert (await world.execution()).steps[1].status is StepStatus.DONE


async def test_progress_that_can_no_longer_be_journaled_fails_no_step(world: Any) -> None:
    @step(undo=None)
    async def work(framework: Any, progress: Any) -> None:
        await framework.store.transact(steal)
        progress("still here")
        await asyncio.sleep(0)
        framework.log.append("worked")

    with pytest.raises(LeaseLost):
        await world.engine().ensure("x", world.saga(work))
    assert world.log == ["worked"]
    assert world.said("progress") == []


async def test_a_store_that_fails_leaves_the_execution_to_the_next(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    full: list[bool] = []
    transact = world.store.transact

    async def failing(decide: Any) -> Any:
        if full and "Journal" in decide.__qualname__:
            raise StoreFull("cannot write", "no space is left")
        return await transact(decide)

    monkeypatch.setattr(world.store, "transact", failing)
    saga = world.saga(world.step("one"), world.step("two", lambda: world.log.count("two") == 1 and full.append(True)))

    with pytest.raises(StoreFull):
        await world.engine("one").ensure("x", saga)
    full.clear()
    assert world.log == ["one", "two"]
    assert await world.status() is ExecutionStatus.RUNNING

    await world.engine("two").ensure("x", saga)
    assert world.log == ["one", "two", "two"], "what was not journaled runs again, what was does not"


async def test_an_execution_whose_record_is_gone_is_left_alone(world: Any) -> None:
    async def forget() -> None:
        await world.store.transact(lambda tx: tx.delete(Execution, "x"))

    with pytest.raises(LeaseLost, match="its record is gone"):
        await world.engine().ensure("x", world.saga(world.step("one", forget)))
    assert world.log == ["one"]


async def test_what_a_step_raised_is_the_cause(world: Any) -> None:
    with pytest.raises(SagaFailed) as caught:
        await world.engine().ensure("x", world.saga(world.step("one", ValueError("no"))))
    assert isinstance(caught.value.__cause__, ValueError)

    with pytest.raises(SagaFailed) as again:
        await world.engine().ensure("x", world.saga(world.step("one")))
    assert again.value.__cause__ is None, "it happened in another call"
    assert str(again.value) == str(caught.value)


async def test_a_cancelled_cause_from_within_fails_the_step_and_not_the_caller(world: Any) -> None:
    async def cancelled() -> None:
        inner = asyncio.ensure_future(asyncio.Event().wait())
        inner.cancel()
        await inner

    with pytest.raises(SagaFailed, match="cancelled from within"):
        await world.engine().ensure("x", world.saga(world.step("one", cancelled)))


async def test_attempts_are_counted_over_tries_and_crashes(world: Any) -> None:
    errors = [ConnectionError("2"), ConnectionError("1")]
    saga = world.saga(world.step("one", lambda: errors and _raise(errors.pop())), world.step("two"))
    await world.crash("before:one", saga)

    with failpoints.at("before:two", lambda: _raise(ValueError("injected"))), pytest.raises(SagaFailed):
        await world.engine("two").ensure("x", saga)

    assert [record.attempts for record in (await world.execution()).steps] == [1 + 3, 1]


def _raise(error: BaseException) -> None:
    raise error
