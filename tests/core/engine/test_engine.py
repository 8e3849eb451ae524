"""Executions: started once, journaled, retried, undone in reverse, resumed where they stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from addonkit.engine import failpoints
from addonkit.errors import (
    SagaBlocked,
    SagaDefinitionError,
    SagaError,
    SagaFailed,
    TransientError,
)
from addonkit.models.execution import ExecutionStatus
from addonkit.saga.saga import Saga
from addonkit.saga.step import Retry, Step, step


class Crash(BaseException):
    """The process dies here."""


def a_step(
    name: str, act: Callable[[], Any] = lambda: None, undo: Callable[[], Any] = lambda: None, **options: Any
) -> Step:
    """A step that writes its name into the world's log, and its undo likewise."""

    async def run(framework: Any) -> None:
        framework.log.append(name)
        act()

    async def back(framework: Any) -> None:
        framework.log.append(f"undo {name}")
        undo()

    run.__name__ = name
    return step(**{"undo": back, **options})(run)


def raising(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def failing_times(number: int, error: Exception) -> Callable[[], None]:
    left = [number]

    def act() -> None:
        if left[0]:
            left[0] -= 1
            raise error

    return act


def saga(*steps: Step, **options: Any) -> Saga[Any]:
    return Saga("test.saga", steps=steps, **options)


async def status(world: Any, id: str = "x") -> ExecutionStatus:
    execution = await world.engine().execution(id)
    return execution.status


async def test_steps_run_in_order_once_and_the_result_is_kept(world: Any) -> None:
    @step(gives="n", undo=None)
    async def count(start: int) -> int:
        return start + 1

    @step(gives="result", undo=None)
    async def double(framework: Any, n: int) -> int:
        framework.log.append("double")
        return n * 2

    counting = saga(count, double, inputs=("start",))

    assert await world.engine().ensure("x", counting, {"start": 2}) == 6
    assert await world.engine().ensure("x", counting, {"start": 100}) == 6, "it is the same execution"
    assert world.log == ["double"]
    assert world.said("done") == ["count", "double"]


async def test_an_input_without_a_value_is_refused_before_anything_is_recorded(world: Any) -> None:
    with pytest.raises(SagaDefinitionError, match="'start' has no value"):
        await world.engine().ensure("x", saga(inputs=("start",)))

    assert await world.engine().execution("x") is None


async def test_a_failure_undoes_its_own_step_first_and_the_others_in_reverse(world: Any) -> None:
    broken = saga(a_step("one"), a_step("two"), a_step("three", raising(ValueError("no"))), a_step("four"))

    with pytest.raises(SagaFailed, match="three: ValueError: no") as caught:
        await world.engine().ensure("x", broken)

    assert world.log == ["one", "two", "three", "undo three", "undo two", "undo one"]
    assert caught.value.details["step"] == "three"
    assert await status(world) is ExecutionStatus.FAILED
    with pytest.raises(SagaFailed, match="ValueError: no"):
        await world.engine().ensure("x", broken)
    assert len(world.log) == 6, "a failed execution is not run again"


async def test_an_undo_sees_what_its_step_gave_or_its_default(world: Any) -> None:
    seen = []

    @step(gives="pool")
    async def create(fail: bool) -> str:
        if fail:
            raise ValueError
        return "p1"

    @create.undo
    async def _(pool: str = "nothing") -> None:
        seen.append(pool)

    for id, fail in (("a", True), ("b", False)):
        with pytest.raises(SagaFailed):
            await world.engine().ensure(
                id, saga(create, a_step("end", raising(ValueError())), inputs=("fail",)), {"fail": fail}
            )

    assert seen == ["nothing", "p1"]


async def test_a_passing_fault_is_tried_again_and_told(world: Any) -> None:
    flaky = a_step("flaky", failing_times(2, ConnectionRefusedError("refused")))

    await world.engine().ensure("x", saga(flaky))

    assert world.log == ["flaky"] * 3
    assert world.said("retrying") == [
        "flaky: trying again in 0.2 s (ConnectionRefusedError: refused)",
        "flaky: trying again in 0.4 s (ConnectionRefusedError: refused)",
    ]


async def test_a_passing_fault_that_stays_fails_as_transient(world: Any) -> None:
    flaky = a_step("flaky", raising(TransientError("asking", "busy")), retry=Retry(attempts=2))

    with pytest.raises(SagaFailed) as caught:
        await world.engine().ensure("x", saga(flaky))

    assert caught.value.details["transient"]
    assert world.log == ["flaky", "flaky", "undo flaky"]


async def test_another_fault_is_not_tried_again(world: Any) -> None:
    with pytest.raises(SagaFailed) as caught:
        await world.engine().ensure("x", saga(a_step("bad", raising(KeyError("k")))))

    assert not caught.value.details["transient"]
    assert world.log == ["bad", "undo bad"]


async def test_a_step_that_takes_too_long_is_ended(world: Any) -> None:
    @step(undo=None, timeout=0.01, retry=Retry(attempts=1))
    async def slow() -> None:
        await asyncio.Event().wait()

    with pytest.raises(SagaFailed, match="slow: it took too long"):
        await world.engine().ensure("x", saga(slow))


async def test_an_output_that_cannot_be_kept_fails_its_step_and_undoes_it(world: Any) -> None:
    @step(gives="thing")
    async def make(framework: Any) -> object:
        framework.log.append("make")
        return object()

    @make.undo
    async def _(framework: Any) -> None:
        framework.log.append("undo make")

    with pytest.raises(SagaFailed):
        await world.engine().ensure("x", saga(make))
    assert world.log == ["make", "undo make"]


async def test_one_failing_undo_does_not_stop_the_others_and_is_tried_again(world: Any) -> None:
    stubborn = a_step("two", undo=failing_times(2, ValueError("stuck")))
    broken = saga(a_step("one"), stubborn, a_step("three", raising(ValueError("no"))))

    with pytest.raises(SagaFailed):
        await world.engine().ensure("x", broken)

    assert world.log == ["one", "two", "three", "undo three", "undo two", "undo one", "undo two", "undo two"]
    assert await status(world) is ExecutionStatus.FAILED


async def test_an_undo_that_never_works_blocks_until_an_operator_decides(world: Any) -> None:
    stuck = [True]

    def undo() -> None:
        if stuck[0]:
            raise ValueError("stuck")

    broken = saga(a_step("one", undo=undo), a_step("two", raising(ValueError("no"))))

    with pytest.raises(
        SagaBlocked,
        match=r"step one: ValueError: stuck \(it is undone because ValueError: no\); `addonkit saga retry x`",
    ):
        await world.engine().ensure("x", broken)
    assert await status(world) is ExecutionStatus.BLOCKED
    assert "one cannot be undone" in world.said("blocked")[0]

    stuck[0] = False
    await world.engine().unblock("x")
    with pytest.raises(SagaFailed):
        await world.engine().ensure("x", broken)
    assert await status(world) is ExecutionStatus.FAILED


async def test_an_operator_gives_up_what_cannot_be_undone(world: Any) -> None:
    broken = saga(a_step("one", undo=raising(ValueError("stuck"))), a_step("two", raising(ValueError("no"))))
    with pytest.raises(SagaBlocked):
        await world.engine().ensure("x", broken)

    assert await world.engine().abandon("x") == ("one",)
    assert await status(world) is ExecutionStatus.ABANDONED
    with pytest.raises(SagaError, match="it is abandoned"):
        await world.engine().abandon("x")


@pytest.mark.parametrize("point", ["before:two", "after:two", "journal:two"])
async def test_a_crash_is_continued_where_the_journal_ends(world: Any, point: str) -> None:
    three = saga(a_step("one"), a_step("two"), a_step("three"))
    with failpoints.at(point, raising(Crash())), pytest.raises(Crash):
        await world.engine("one").ensure("x", three)

    await world.engine("two").ensure("x", three)

    again = ["two", "two"] if point == "after:two" else ["two"]
    assert world.log == ["one", *again, "three"]
    assert await status(world) is ExecutionStatus.COMPLETED


async def test_a_crash_while_undoing_goes_on_undoing(world: Any) -> None:
    broken = saga(a_step("one"), a_step("two"), a_step("three", raising(ValueError("no"))))
    with failpoints.at("undo:two", raising(Crash())), pytest.raises(Crash):
        await world.engine("one").ensure("x", broken)

    with pytest.raises(SagaFailed, match="ValueError: no"):
        await world.engine("two").ensure("x", broken)

    assert world.log == ["one", "two", "three", "undo three", "undo two", "undo two", "undo one"]


async def test_cancelling_the_task_leaves_it_to_be_continued(world: Any) -> None:
    waiting = asyncio.Event()
    stop = [True]

    @step(undo=None)
    async def wait() -> None:
        waiting.set()
        if stop[0]:
            await asyncio.Event().wait()

    task = asyncio.create_task(world.engine().ensure("x", saga(wait, a_step("end"))))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await status(world) is ExecutionStatus.RUNNING

    stop[0] = False
    await world.engine("two").ensure("x", saga(wait, a_step("end")))
    assert await status(world) is ExecutionStatus.COMPLETED


async def test_asked_to_stop_it_stops_between_two_steps_and_undoes(world: Any) -> None:
    engine = world.engine()

    @step(undo=None)
    async def ask_to_stop(framework: Any) -> None:
        framework.log.append("asked")
        await engine.cancel("x")

    with pytest.raises(SagaFailed, match="it was asked to stop"):
        await engine.ensure("x", saga(a_step("one"), ask_to_stop, a_step("never")))

    assert world.log == ["one", "asked", "undo one"]


async def test_undo_works_from_every_state_and_twice(world: Any) -> None:
    done = saga(a_step("one"), a_step("two"))
    await world.engine().ensure("done", done)
    with failpoints.at("after:two", raising(Crash())), pytest.raises(Crash):
        await world.engine().ensure("half", done)
    world.log.clear()

    for id in ("done", "half", "never"):
        await world.engine("two").undo(id, done)
        await world.engine("two").undo(id, done)

    assert world.log == ["undo two", "undo one"] * 2
    assert await status(world, "done") is await status(world, "half") is ExecutionStatus.FAILED


async def test_undo_can_leave_a_completed_one_alone(world: Any) -> None:
    await world.engine().ensure("done", saga(a_step("one")))

    await world.engine().undo("done", saga(a_step("one")), completed=False)

    assert await status(world, "done") is ExecutionStatus.COMPLETED


async def test_what_failed_stays_so_unless_it_is_wanted_again(world: Any) -> None:
    failing_once = saga(a_step("make", failing_times(1, ValueError("no room"))))
    with pytest.raises(SagaFailed):
        await world.engine().ensure("x", failing_once)
    with pytest.raises(SagaFailed):
        await world.engine().ensure("x", failing_once)
    assert world.log == ["make", "undo make"], "asking for what has failed runs nothing"
    world.log.clear()

    await world.engine().ensure("x", failing_once, again=True)

    assert await status(world) is ExecutionStatus.COMPLETED
    await world.engine().ensure("x", failing_once, again=True)
    assert world.log == ["make"], "what is completed is not begun anew"
