"""The way back: in reverse, in rounds, with what each undo needs, until nothing is left or an operator decides."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from addonkit.engine import failpoints
from addonkit.engine.compensation import ROUNDS
from addonkit.errors import Busy, SagaBlocked, SagaError, SagaFailed, SagaRefused, TransientError, UnknownExecution
from addonkit.models.execution import ExecutionStatus, StepStatus
from addonkit.saga.step import Retry, step


def failing(times: int, error: Exception) -> Any:
    """Raises that often, then does nothing."""
    left = [error] * times

    def act() -> None:
        if left:
            raise left.pop()

    return act


async def fails(world: Any, saga: Any, id: str = "x", owner: str = "one") -> SagaFailed:
    with pytest.raises(SagaFailed) as caught:
        await world.engine(owner).ensure(id, saga)
    return caught.value


async def test_a_crash_between_the_failure_and_its_undo_is_undone_by_the_next(world: Any) -> None:
    died: list[BaseException] = [KeyboardInterrupt()]
    three = world.step("three", ValueError("no"), undo=lambda: died and _raise(died.pop()))
    saga = world.saga(world.step("one"), world.step("two"), three)
    with pytest.raises(KeyboardInterrupt):
        await world.engine().ensure("x", saga)
    assert await world.status() is ExecutionStatus.UNDOING
    world.log.clear()

    await fails(world, saga, owner="two")

    assert world.log == ["undo three", "undo two", "undo one"]


async def test_undos_that_are_done_are_not_done_again_after_a_crash(world: Any) -> None:
    saga = world.saga(world.step("one"), world.step("two"), world.step("three", ValueError("no")))
    await world.crash("undo:two", saga)
    world.log.clear()

    await fails(world, saga, owner="two")

    assert world.log == ["undo two", "undo one"], "of two, only the effect was there"


async def test_an_output_that_cannot_be_kept_is_undone_even_when_that_fails_at_first(world: Any) -> None:
    stuck = failing(1, ValueError("stuck"))

    @step(gives="thing")
    async def make() -> object:
        return object()

    @make.undo
    async def _(framework: Any, thing: Any = "nothing") -> None:
        framework.log.append(f"undo with {thing}")
        stuck()

    error = await fails(world, world.saga(world.step("one"), make))

    assert error.details["step"] == "make"
    assert "its output 'thing' cannot be journaled" in str(error)
    assert world.log == ["one", "undo with nothing", "undo one", "undo with nothing"]


async def test_an_undo_tried_again_has_the_outputs_of_steps_undone_meanwhile(world: Any) -> None:
    seen: list[str] = []
    stuck = failing(2, ValueError("stuck"))

    @step(gives="disk", undo=None)
    async def make_disk() -> str:
        return "disk-1"

    @step(gives="pool")
    async def make_pool(disk: str) -> str:
        return f"pool on {disk}"

    @make_pool.undo
    async def _(disk: str, pool: str = "no pool") -> None:
        seen.append(f"{disk}, {pool}")
        stuck()

    await fails(world, world.saga(make_disk, make_pool, world.step("end", ValueError("no"))))

    assert seen == ["disk-1, pool on disk-1"] * 3


async def test_rounds_come_later_and_later(world: Any) -> None:
    saga = world.saga(world.step("one", undo=ValueError("stuck")), world.step("two", ValueError("no")))
    began = world.clock.now()

    with pytest.raises(SagaBlocked):
        await world.engine().ensure("x", saga)

    assert world.log.count("undo one") == ROUNDS.attempts == 5
    assert (world.clock.now() - began).total_seconds() == 1 + 2 + 4 + 8


async def test_who_takes_over_waits_until_the_next_round_is_due(world: Any) -> None:
    saga = world.saga(world.step("one", undo=failing(1, ValueError("stuck"))), world.step("two", ValueError("no")))
    began = world.clock.now()
    task = asyncio.create_task(world.engine("one").ensure("x", saga))
    while not (await _find(world)) or (await world.execution()).undo_at is None:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    await fails(world, saga, owner="two")

    assert (world.clock.now() - began).total_seconds() == 1
    assert world.log.count("undo one") == 2


async def test_an_undo_has_a_time_limit_and_is_tried_again_while_its_failure_may_pass(world: Any) -> None:
    runs: list[str] = []

    @step(timeout=0.01, retry=Retry(attempts=3))
    async def make() -> None: ...

    @make.undo
    async def _() -> None:
        runs.append("undo")
        if len(runs) == 1:
            await asyncio.Event().wait()
        if len(runs) == 2:
            raise TransientError("removing it", "busy")

    await fails(world, world.saga(make, world.step("end", ValueError("no"))))

    assert len(runs) == 3
    assert (await world.execution()).steps[0].undo_attempts == 3
    assert (await world.execution()).undo_rounds == 0, "all in the first round"


async def test_a_step_that_needs_no_undo_is_undone_without_a_word(world: Any) -> None:
    await fails(world, world.saga(world.step("one", undo=None), world.step("two", ValueError("no"))))

    assert [record.status for record in (await world.execution()).steps] == [StepStatus.UNDONE] * 2
    assert world.said("undone") == ["two: undone"]


async def test_steps_that_never_began_are_not_undone(world: Any) -> None:
    await fails(world, world.saga(world.step("one", ValueError("no")), world.step("never")))

    assert world.log == ["one", "undo one"]
    assert (await world.execution()).steps[1].status is StepStatus.PENDING


async def test_the_step_that_failed_is_named_even_when_its_own_undo_failed_too(world: Any) -> None:
    two = world.step("two", ValueError("no"), undo=failing(1, KeyError("stuck")))

    error = await fails(world, world.saga(world.step("one"), two))

    assert str(error) == "two: ValueError: no"
    assert error.details["step"] == "two"


async def test_an_execution_that_was_completed_is_undone_on_request(world: Any) -> None:
    seen: list[str] = []

    @step(gives="pool")
    async def make() -> str:
        return "p1"

    @make.undo
    async def _(pool: str = "nothing") -> None:
        seen.append(pool)

    saga = world.saga(make, world.step("two"))
    await world.engine().ensure("x", saga)

    await world.engine("two").undo("x", saga)

    assert (seen, world.log) == (["p1"], ["two", "undo two"])
    assert "undone on request" in str(await fails(world, saga))


async def test_asked_to_stop_while_it_waits_to_try_again_it_waits_no_longer(world: Any) -> None:
    refused = world.step("one", ConnectionRefusedError("refused"), retry=Retry(first_delay=1000, longest_delay=1000))
    saga = world.saga(refused)
    world.clock.auto = False
    owner = asyncio.create_task(world.engine("one").ensure("x", saga))
    while not world.said("retrying"):
        await asyncio.sleep(0)

    await world.engine("two").cancel("x")

    with pytest.raises(SagaFailed, match="it was asked to stop"):
        await owner
    assert world.log == ["one", "undo one"]
    assert world.clock.monotonic() == 0


async def test_asked_to_stop_during_the_last_step_it_is_not_completed(world: Any) -> None:
    engine = world.engine()
    saga = world.saga(world.step("one"), world.step("two", lambda: engine.cancel("x")))

    with pytest.raises(SagaFailed, match="it was asked to stop"):
        await engine.ensure("x", saga)

    assert world.log == ["one", "two", "undo two", "undo one"]
    assert world.said("failed") == ["test.saga: it was asked to stop"]


async def test_asked_to_stop_while_nobody_runs_it_the_next_one_undoes(world: Any) -> None:
    saga = world.saga(world.step("one"), world.step("two"))
    await world.crash("journal:one", saga)

    await world.engine().cancel("x")

    await fails(world, saga, owner="two")
    assert world.log == ["one", "undo two", "undo one"], "the journal cannot tell whether two had begun"


async def test_asking_what_is_over_or_unknown_to_stop_changes_nothing(world: Any) -> None:
    saga = world.saga(world.step("one"))
    await world.engine().ensure("x", saga)
    before = await world.execution()

    assert await world.engine().cancel("x") == before
    assert await world.engine().cancel("unknown") is None
    assert await world.execution() == before


async def test_undoing_what_is_blocked_tries_again(world: Any) -> None:
    stuck = failing(ROUNDS.attempts + 2, ValueError("stuck"))
    saga = world.saga(world.step("one", undo=stuck), world.step("two", ValueError("no")))
    with pytest.raises(SagaBlocked):
        await world.engine().ensure("x", saga)
    with pytest.raises(SagaBlocked, match=r"undoing test\.saga: step one: ValueError: stuck"):
        await world.engine().ensure("x", saga)
    assert world.log.count("undo one") == ROUNDS.attempts, "asking for the result of a blocked one runs nothing"

    await world.engine().undo("x", saga)

    assert await world.status() is ExecutionStatus.FAILED
    assert str(await fails(world, saga)) == "two: ValueError: no"


async def test_undoing_what_stays_blocked_says_so(world: Any) -> None:
    saga = world.saga(world.step("one", undo=ValueError("stuck")), world.step("two"))
    await world.engine().ensure("x", saga)

    with pytest.raises(SagaBlocked, match="step one: ValueError: stuck"):
        await world.engine().undo("x", saga)

    execution = await world.execution()
    assert [record.status for record in execution.steps] == [StepStatus.DONE, StepStatus.UNDONE]
    assert execution.finished is None, "it is not over any more"


async def test_undoing_is_refused_for_another_shape(world: Any) -> None:
    await world.engine().ensure("x", world.saga(world.step("one")))

    with pytest.raises(SagaRefused, match="its steps were one and are one, two now"):
        await world.engine().undo("x", world.saga(world.step("one"), world.step("two")))
    assert world.log == ["one"]


async def test_unblocking_what_is_not_blocked_changes_nothing(world: Any) -> None:
    await world.engine().ensure("x", world.saga(world.step("one")))
    await world.engine().unblock("x")
    await world.engine().unblock("unknown")

    assert await world.status() is ExecutionStatus.COMPLETED


async def test_what_somebody_works_on_cannot_be_given_up(world: Any) -> None:
    saga = world.saga(world.step("one"), world.step("two"))
    await world.crash("journal:one", saga)
    lease = await world.leases("another").acquire("execution/x")

    with pytest.raises(Busy, match="another works on it"):
        await world.engine().abandon("x")
    await world.leases("another").give_back(lease)

    assert await world.engine().abandon("x") == ("one", "two")
    with pytest.raises(SagaFailed, match="given up, not undone: one, two"):
        await world.engine().ensure("x", saga)
    await world.engine().undo("x", saga)
    assert world.log == ["one"], "nothing is run or undone any more"


async def test_what_is_over_or_unknown_cannot_be_given_up(world: Any) -> None:
    await world.engine().ensure("x", world.saga(world.step("one")))

    with pytest.raises(SagaError, match="cannot abandon execution 'x': it is completed"):
        await world.engine().abandon("x")
    with pytest.raises(UnknownExecution):
        await world.engine().abandon("unknown")


async def test_an_injected_failure_after_the_effect_undoes_it(world: Any) -> None:
    saga = world.saga(world.step("one"), world.step("two"))

    with failpoints.at("after:two", lambda: _raise(ValueError("injected"))):
        await fails(world, saga)

    assert world.log == ["one", "two", "undo two", "undo one"]


async def _find(world: Any) -> Any:
    return await world.engine().execution("x")


def _raise(error: BaseException) -> None:
    raise error
