"""A step that says that it had no effect is not undone; one that may have had is."""

from __future__ import annotations

from typing import Any

import pytest

from addonkit.errors import AddonkitError, NotConfigured, NothingDone, SagaFailed, TransientError
from addonkit.models.execution import ExecutionStatus, StepStatus
from addonkit.saga.step import Retry


class TokenRefused(NotConfigured, NothingDone):
    """The sign-in was refused."""


class Unreachable(TransientError, NothingDone):
    """Nothing was sent."""


REFUSED = TokenRefused("signing in", "it refuses the token", "set another one")
UNREACHABLE = Unreachable("signing in", "it does not answer")
UNCLEAR = TransientError("signing in", "the answer did not arrive")


def raising(*errors: Exception) -> Any:
    """Raises one after the other, the last one for ever."""
    left = list(errors)

    def act() -> None:
        raise left.pop(0) if len(left) > 1 else left[0]

    return act


async def failed(world: Any, *errors: Exception) -> Any:
    """The execution of two steps, the second of which fails so; its undo would fail too."""
    second = world.step("second", raising(*errors), undo=REFUSED, retry=Retry(attempts=3))
    with pytest.raises(SagaFailed) as caught:
        await world.engine().ensure("x", world.saga(world.step("first"), second))
    assert caught.value.details["step"] == "second"
    return await world.execution()


@pytest.mark.parametrize("errors", [(REFUSED,), (UNREACHABLE,), (UNREACHABLE, REFUSED)])
async def test_its_own_undo_is_not_run_those_before_it_are(world: Any, errors: tuple[Exception, ...]) -> None:
    execution = await failed(world, *errors)

    assert "undo second" not in world.log
    assert world.log[-1] == "undo first"
    assert execution.status is ExecutionStatus.FAILED
    assert {record.status for record in execution.steps} == {StepStatus.UNDONE}
    assert execution.error == str(errors[-1])
    assert execution.transient is (errors == (UNREACHABLE,))


async def test_all_members_of_a_group_must_say_so(world: Any) -> None:
    await failed(world, ExceptionGroup("both", [REFUSED, REFUSED]))

    assert "undo second" not in world.log


@pytest.mark.parametrize(
    "errors",
    [
        (UNCLEAR, REFUSED),
        (UNREACHABLE, UNCLEAR, REFUSED),
        (REFUSED.__class__.__bases__[0]("signing in", "no"),),
        (ExceptionGroup("both", [REFUSED, ValueError("what?")]),),
    ],
)
async def test_one_try_that_may_have_had_an_effect_is_enough_for_the_undo(
    world: Any, errors: tuple[Exception, ...]
) -> None:
    undone: list[str] = []
    second = world.step("second", raising(*errors), undo=lambda: undone.append("x"), retry=Retry(attempts=3))

    with pytest.raises(SagaFailed):
        await world.engine().ensure("x", world.saga(world.step("first"), second))

    assert undone == ["x"]


@pytest.mark.parametrize("point", ["before:second", "after:second"])
async def test_an_interrupted_try_may_have_had_an_effect(world: Any, point: str) -> None:
    refuse: list[AddonkitError] = []

    def act() -> None:
        if refuse:
            raise refuse[0]

    saga = world.saga(world.step("first"), world.step("second", act))
    await world.crash(point, saga)
    refuse.append(REFUSED)

    with pytest.raises(SagaFailed):
        await world.engine("two").ensure("x", saga)

    assert world.log[-2:] == ["undo second", "undo first"]
