"""An interrupted execution goes on in the shape it was recorded in, or one that declares to fit; never otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from addonkit.errors import SagaFailed, SagaRefused
from addonkit.models.execution import ExecutionStatus
from addonkit.saga.step import step


async def refused(world: Any, saga: Any) -> str:
    """The reason for a refusal that changed nothing."""
    before = await world.execution()
    log = list(world.log)
    with pytest.raises(SagaRefused) as caught:
        await world.engine("two").ensure("x", saga)
    assert await world.execution() == before
    assert world.log == log
    return caught.value.found


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (("one",), "its steps were one, two and are one now"),
        (("two", "one"), "its steps were one, two and are two, one now"),
        (("one", "two", "three"), "its steps were one, two and are one, two, three now"),
        (("one", "other"), "its steps were one, two and are one, other now"),
        ((), "its steps were one, two and are none now"),
    ],
)
async def test_other_steps_in_the_same_version_are_refused(world: Any, names: tuple[str, ...], shown: str) -> None:
    await world.crash("journal:one", world.saga(world.step("one"), world.step("two")))

    assert await refused(world, world.saga(*map(world.step, names))) == shown


async def test_a_step_that_a_policy_added_is_part_of_the_shape(world: Any) -> None:
    plain = world.saga(world.step("one"), world.step("two"))
    checked = plain.with_steps(before=[world.step("check")])
    await world.crash("journal:one", checked)

    assert await refused(world, plain) == "its steps were check, one, two and are one, two now"
    await world.engine("two").ensure("x", checked)
    assert world.log == ["check", "one", "two"]


async def test_a_version_that_does_not_say_so_is_refused(world: Any) -> None:
    await world.crash("journal:one", world.saga(world.step("one"), world.step("two"), version=2))

    for other in (
        world.saga(world.step("one"), world.step("two"), version=1),
        world.saga(world.step("one"), world.step("two"), version=3, resumes_from=(1,)),
    ):
        assert await refused(world, other) == (
            f"it runs version 2, and version {other.version} does not resume from that"
        )


async def test_a_version_without_a_step_that_began_is_refused(world: Any) -> None:
    await world.crash("after:two", world.saga(world.step("one"), world.step("two"), world.step("three")))

    newer = world.saga(world.step("one"), world.step("new"), world.step("three"), version=2, resumes_from=(1,))

    assert await refused(world, newer) == "its steps one, two are not the first of one, new, three"


async def test_a_newer_version_goes_on_with_its_own_steps(world: Any) -> None:
    await world.crash("after:two", world.saga(world.step("one"), world.step("two"), world.step("old")))

    newer = world.saga(world.step("one"), world.step("two"), world.step("new"), version=2, resumes_from=(1,))
    await world.engine("two").ensure("x", newer)

    assert world.log == ["one", "two", "two", "new"]
    execution = await world.execution()
    assert (execution.version, [record.name for record in execution.steps]) == (2, ["one", "two", "new"])
    assert execution.status is ExecutionStatus.COMPLETED


async def test_a_newer_version_brings_the_inputs_it_added(world: Any) -> None:
    seen: list[str] = []

    @step(undo=None)
    async def new(size: str, color: str) -> None:
        seen.extend((size, color))

    old = world.saga(world.step("one"), world.step("two"), inputs=("size",))
    await world.crash("before:one", old.bind(size="small"))
    newer = world.saga(world.step("one"), new, inputs=("size", "color"), version=2, resumes_from=(1,))

    await world.engine("two").ensure("x", newer, {"size": "large", "color": "red"})

    assert seen == ["small", "red"], "what was given first stays"


async def test_a_newer_version_undoes_what_the_old_one_did(world: Any) -> None:
    await world.crash("undo:two", world.saga(world.step("one"), world.step("two", ValueError("no"))))
    world.log.clear()
    newer = world.saga(world.step("one"), world.step("two"), world.step("new"), version=2, resumes_from=(1,))

    with pytest.raises(SagaFailed, match="two: ValueError: no"):
        await world.engine("two").ensure("x", newer)

    assert world.log == ["undo two", "undo one"]


async def test_a_refused_execution_can_be_given_up(world: Any) -> None:
    await world.crash("journal:one", world.saga(world.step("one"), world.step("two")))
    await refused(world, world.saga(world.step("other")))

    assert await world.engine().abandon("x") == ("one", "two")
