"""An execution that is asked to stop does so at once: the step that runs is cancelled, and undone as one that failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from addonkit.errors import SagaFailed, StoreUnavailable
from addonkit.models.execution import ExecutionStatus, StepStatus
from addonkit.saga.saga import Saga
from addonkit.saga.step import step
from addonkit.store.interface import Change


@pytest.fixture(params=["memory", "sqlite"])
def any_world(request: pytest.FixtureRequest, world: Any) -> Any:
    return world if request.param == "memory" else request.getfixturevalue("world_on_disk")


class Gate:
    """A step that has entered and does not leave by itself."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self) -> None:
        self.entered.set()
        await self.open.wait()


async def test_a_step_that_runs_is_cancelled_and_undone(any_world: Any) -> None:
    gate = Gate()
    saga = any_world.saga(any_world.step("one"), any_world.step("two", gate), any_world.step("never"))
    owner = asyncio.create_task(any_world.engine("one").ensure("x", saga))
    await gate.entered.wait()

    async with asyncio.timeout(10):
        await any_world.engine("two").undo("x", saga)

        with pytest.raises(SagaFailed, match=r"test\.saga: it was asked to stop"):
            await owner
    assert any_world.log == ["one", "two", "undo two", "undo one"]
    assert [record.status for record in (await any_world.execution()).steps] == [
        StepStatus.UNDONE,
        StepStatus.UNDONE,
        StepStatus.PENDING,
    ]


async def test_asked_again_a_stopped_execution_says_the_same(world: Any) -> None:
    gate = Gate()
    saga = world.saga(world.step("one", gate))
    owner = asyncio.create_task(world.engine("one").ensure("x", saga))
    await gate.entered.wait()
    await world.engine("two").undo("x", saga)
    await asyncio.gather(owner, return_exceptions=True)

    with pytest.raises(SagaFailed, match="it was asked to stop") as caught:
        await world.engine().ensure("x", saga)

    assert caught.value.details["step"] == "", "no step failed"


async def test_a_step_that_ends_all_the_same_is_undone_with_what_it_gave(world: Any) -> None:
    entered = asyncio.Event()
    seen: list[str] = []

    @step(gives="pool")
    async def stubborn() -> str:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "p1"
        raise AssertionError("it waits for ever")

    @stubborn.undo
    async def _(pool: str = "nothing") -> None:
        seen.append(pool)

    saga = world.saga(stubborn, world.step("never"))
    owner = asyncio.create_task(world.engine("one").ensure("x", saga))
    await entered.wait()

    await world.engine("two").undo("x", saga)

    await asyncio.gather(owner, return_exceptions=True)
    assert (seen, world.log) == (["p1"], [])


async def test_who_waits_for_another_execution_stops_waiting_and_leaves_it_to_others(world: Any) -> None:
    gate = Gate()
    server = Saga("test.server", steps=[world.step("make", gate)])

    @step(undo=None)
    async def join(sagas: Any) -> None:
        await sagas.ensure("server", server)

    saga = world.saga(join)
    first = asyncio.create_task(world.engine("one").ensure("a", saga))
    await gate.entered.wait()
    second = asyncio.create_task(world.engine("two").ensure("b", saga))
    while await world.engine().execution("b") is None:
        await asyncio.sleep(0)

    await world.engine("three").undo("a", saga)

    assert await world.status("server") is ExecutionStatus.RUNNING, "undoing who asked does not undo it"
    gate.open.set()
    await second
    with pytest.raises(SagaFailed, match="it was asked to stop"):
        await first
    assert world.log == ["make", "make"], "the second goes on where the first left it"


async def test_where_nobody_can_tell_the_step_goes_on_and_the_journal_decides(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(*_args: object) -> AsyncGenerator[Change, None]:
        raise StoreUnavailable("cannot read the state", "gone for a moment")
        yield

    engine = world.engine()
    monkeypatch.setattr(world.store, "watch", deaf)
    saga = world.saga(world.step("one"), world.step("two", _then(lambda: engine.cancel("x"))), world.step("never"))

    with pytest.raises(SagaFailed, match="it was asked to stop"):
        await engine.ensure("x", saga)

    assert world.log == ["one", "two", "undo two", "undo one"]


async def test_a_step_cannot_stop_its_own_execution_by_undoing_it(world: Any) -> None:
    @step(undo=None)
    async def selfish(sagas: Any) -> None:
        await sagas.undo("x", world.saga())

    with pytest.raises(SagaFailed, match="one of its own steps asks for it"):
        await world.engine().ensure("x", world.saga(selfish))


def _then(act: Callable[[], Any]) -> Callable[[], Any]:
    async def run() -> None:
        await asyncio.sleep(0)
        await act()

    return run
