"""Steps that change nothing: they are journaled with their neighbours, and run again with the step before them."""

from __future__ import annotations

import pytest

from addonkit import SagaFailed, step
from addonkit.engine import failpoints
from addonkit.errors import SagaDefinitionError
from addonkit.models.execution import EventKind, ExecutionStatus, StepStatus


@pytest.fixture
def saga(world):
    @step(gives="number")
    async def make() -> int:
        world.log.append("make")
        return 7

    @make.undo
    async def unmake(number: int = 0) -> None:
        world.log.append(f"unmake {number}")

    @step(gives="double", effect=False)
    async def compute(number: int) -> int:
        world.log.append("compute")
        return 2 * number

    @step(gives="result", undo=None)
    async def use(double: int) -> int:
        world.log.append("use")
        return double + 1

    return world.saga(make, compute, use)


async def test_it_reads_what_is_not_written_yet_and_shows_as_the_others(world, saga):
    assert await world.engine().ensure("x", saga) == 15
    assert world.log == ["make", "compute", "use"]
    kinds = [event.kind for event in world.events]
    assert kinds == [EventKind.STARTED, EventKind.DONE] * 3 + [EventKind.COMPLETED]
    assert [(record.status, record.attempts) for record in (await world.execution()).steps] == [
        (StepStatus.DONE, 1)
    ] * 3


@pytest.mark.parametrize("point", ["before:compute", "after:compute"])
async def test_after_a_crash_the_step_before_it_is_run_again(world, saga, point):
    await world.crash(point, saga)
    world.dead.add("crashed")

    assert await world.engine("two").ensure("x", saga) == 15
    assert world.log[-3:] == ["make", "compute", "use"]


async def test_what_is_journaled_is_never_run_again(world, saga):
    await world.crash("before:use", saga)
    world.dead.add("crashed")
    world.log.clear()

    assert await world.engine("two").ensure("x", saga) == 15
    assert world.log == ["use"]


async def test_when_it_fails_the_step_before_it_is_undone_with_its_output(world, saga):
    def fail() -> None:
        raise ValueError("no")

    with failpoints.at("after:compute", fail), pytest.raises(SagaFailed, match="no"):
        await world.engine().ensure("x", saga)

    assert world.log == ["make", "compute", "unmake 7"]
    assert await world.status() is ExecutionStatus.FAILED


async def test_when_it_is_asked_to_stop_the_step_before_it_is_undone_with_its_output(world, saga):
    async def cancel() -> None:
        await world.engine("two").cancel("x")

    with failpoints.at("after:compute", cancel), pytest.raises(SagaFailed):
        await world.engine().ensure("x", saga)

    assert world.log[-1] == "unmake 7"
    assert await world.status() is ExecutionStatus.FAILED


def test_it_has_no_undo():
    async def compute() -> None: ...

    with pytest.raises(SagaDefinitionError, match="an undo and no effect"):
        step(effect=False, undo=compute)(compute)
