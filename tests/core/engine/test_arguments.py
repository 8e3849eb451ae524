"""A step receives by name what it asks for, as it was annotated, the same before and after a crash."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from addonkit.errors import SagaDefinitionError, SagaFailed, SagaRefused
from addonkit.models.secret import Secret
from addonkit.saga.saga import Saga
from addonkit.saga.step import ENGINE_NAMES, step


@attrs.frozen
class Address:
    host: str
    port: int


@attrs.frozen
class Made:
    address: Address
    password: Secret
    labels: tuple[str, ...]
    since: datetime


MADE = Made(Address("localhost", 5432), Secret("s" * 32), ("a", "b"), datetime(2030, 1, 1, tzinfo=UTC))


@attrs.frozen
class Both:
    result: int
    other: str


@step(undo=None)
async def make() -> Made:
    return MADE


def taking(*names: str, into: dict[str, Any]) -> Any:
    """A step whose parameters have these names, some with `=None`."""
    scope: dict[str, Any] = {"into": into}
    exec(f"async def take({', '.join(names)}) -> None:\n    into.update(locals())", scope)
    return step(undo=None)(scope["take"])


async def test_outputs_arrive_as_the_types_they_were_annotated_with(world: Any) -> None:
    seen: dict[str, Any] = {}

    await world.engine().ensure("x", world.saga(make, taking("address", "password", "labels", "since", into=seen)))

    assert seen == attrs.asdict(MADE, recurse=False)


async def test_outputs_are_the_same_after_a_crash(world: Any) -> None:
    seen: dict[str, Any] = {}
    saga = world.saga(make, taking("address", "password", "labels", "since", into=seen))
    await world.crash("journal:make", saga)

    await world.engine("two").ensure("x", saga)

    assert seen == attrs.asdict(MADE, recurse=False)


async def test_a_step_gets_its_own_names_and_no_others(world: Any) -> None:
    seen: dict[str, Any] = {}

    await world.engine().ensure("x", world.saga(make, taking("labels", into=seen)))

    assert set(seen) == {"labels"}


async def test_what_the_engine_has_nothing_for_is_none(world: Any) -> None:
    seen: dict[str, Any] = {}
    names = sorted(ENGINE_NAMES - {"sagas", "progress"})

    await world.engine().ensure("x", world.saga(taking(*names, into=seen)))

    assert seen.pop("framework") is world
    assert set(seen.values()) == {None}


async def test_a_name_that_nobody_provides_keeps_its_default(world: Any) -> None:
    seen: dict[str, Any] = {}

    await world.engine().ensure("x", world.saga(taking("unknown='default'", into=seen)))

    assert seen == {"unknown": "default"}


async def test_resources_are_asked_afresh_before_each_step_and_undo(world: Any) -> None:
    seen: list[Any] = []

    @step
    async def first(instance: Any) -> None:
        seen.append(instance)
        world.resources["instance"] = "second"

    @first.undo
    async def _(instance: Any) -> None:
        seen.append(instance)

    @step(undo=None)
    async def then(instance: Any) -> None:
        seen.append(instance)
        world.resources["instance"] = "third"
        raise ValueError

    world.resources["instance"] = "first"
    with pytest.raises(SagaFailed):
        await world.engine().ensure("x", world.saga(first, then))

    assert seen == ["first", "second", "third"]


async def test_inputs_are_those_the_execution_began_with(world: Any) -> None:
    seen: dict[str, Any] = {}
    saga = world.saga(taking("password", "sizes", into=seen), inputs=("password", "sizes"))
    await world.crash("before:take", saga.bind(password=Secret("first" * 8), sizes=(1, 2)))

    await world.engine("two").ensure("x", saga, {"password": Secret("second" * 8), "sizes": ()})

    assert seen == {"password": Secret("first" * 8), "sizes": [1, 2]}, "JSON values: a tuple is a list"


async def test_an_input_that_is_no_value_is_refused_before_anything_is_recorded(world: Any) -> None:
    with pytest.raises(SagaDefinitionError, match="test.saga: its input 'thing' cannot be journaled"):
        await world.engine().ensure("x", world.saga(inputs=("thing",)), {"thing": object()})

    assert await world.engine().execution("x") is None


async def test_a_result_of_another_type_than_annotated_is_a_failure(world: Any) -> None:
    @step(undo=None)
    async def forget() -> Made:
        return None  # type: ignore[return-value]

    @step(gives="address", undo=None)
    async def mistake() -> Address:
        return Secret("not an address")  # type: ignore[return-value]

    with pytest.raises(SagaFailed, match="the step returned a NoneType, which has no 'address'"):
        await world.engine().ensure("x", world.saga(forget))
    with pytest.raises(SagaFailed, match="its output 'address' cannot be journaled"):
        await world.engine().ensure("y", world.saga(mistake))


async def test_the_result_is_what_is_named_result(world: Any) -> None:
    @step(gives="result", undo=None)
    async def find() -> Address:
        return MADE.address

    @step(undo=None)
    async def both() -> Both:
        return Both(7, "x")

    assert await world.engine().ensure("typed", world.saga(find)) == MADE.address
    assert await world.engine().ensure("field", world.saga(both)) == 7
    assert await world.engine().ensure("input", world.saga(inputs=("result",)), {"result": "given"}) == "given"
    assert await world.engine().ensure("none", world.saga(make)) is None


async def test_a_result_that_this_version_cannot_read_is_refused(world: Any) -> None:
    @step(gives="result", undo=None)
    async def old() -> str:
        return "text"

    @step(gives="result", undo=None)
    async def new() -> Address:
        raise NotImplementedError

    new.name = "old"
    await world.engine().ensure("x", world.saga(old))

    with pytest.raises(SagaRefused, match="cannot use the result of x"):
        await world.engine().ensure("x", world.saga(new, version=2, resumes_from=(1,)))


async def test_the_result_of_another_version_is_returned_without_running_anything(world: Any) -> None:
    @step(gives="result", undo=None)
    async def find() -> int:
        return 7

    await world.engine().ensure("x", world.saga(find))

    assert await world.engine().ensure("x", world.saga(find, world.step("new"), version=2)) == 7
    assert world.log == []


async def test_an_id_belongs_to_one_saga(world: Any) -> None:
    await world.engine().ensure("x", world.saga(world.step("one")))

    with pytest.raises(SagaRefused, match=r"x: it runs test\.saga, not other\.saga"):
        await world.engine().ensure("x", Saga("other.saga", steps=[]))
