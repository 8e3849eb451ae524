"""A saga that cannot work is refused when it is defined, with the names."""

from __future__ import annotations

import attrs
import pytest

from addonkit.errors import SagaDefinitionError
from addonkit.models.secret import Secret
from addonkit.saga.definition import Saga, step


@attrs.frozen
class Credentials:
    user: str
    password: Secret


@step(undo=None)
async def generate(name: str) -> Credentials:
    """Generate credentials."""
    return Credentials(name, Secret("x" * 40))


@step(gives="result", undo=None)
async def finish(user: str) -> str:
    return user


@step
async def undecided() -> None: ...


def saga(*steps: object, inputs: tuple[str, ...] = ("name",)) -> Saga[str]:
    return Saga("test.saga", steps=steps, inputs=inputs)  # type: ignore[arg-type]


def test_a_step_contributes_the_fields_of_its_result_or_the_name_it_gives() -> None:
    assert set(generate.output_types()) == {"user", "password"}
    assert set(finish.output_types()) == {"result"}


def test_a_step_is_titled_by_its_docstring_or_its_name() -> None:
    assert generate.title == "generate credentials"
    assert finish.title == "finish"


def test_steps_keep_the_order_they_are_written_in() -> None:
    assert saga(generate, finish).step_names == ("generate", "finish")


def test_an_argument_that_nobody_provides_is_refused() -> None:
    with pytest.raises(SagaDefinitionError, match=r"test\.saga: nobody provides 'user', which step finish takes"):
        saga(finish)


def test_an_argument_that_only_a_later_step_provides_is_refused() -> None:
    with pytest.raises(SagaDefinitionError, match="'user', which step finish takes"):
        saga(finish, generate)


def test_a_key_provided_twice_is_refused() -> None:
    with pytest.raises(SagaDefinitionError, match="'user' is provided twice: by the inputs and by step generate"):
        saga(generate, inputs=("name", "user"))


def test_a_step_without_an_undo_is_refused() -> None:
    with pytest.raises(SagaDefinitionError, match="step undecided has no undo; write one, or undo=None on purpose"):
        saga(undecided)


def test_two_steps_of_one_name_are_refused() -> None:
    with pytest.raises(SagaDefinitionError, match="two steps are named generate"):
        saga(generate, generate)


def test_an_input_with_a_name_of_the_engine_is_refused() -> None:
    with pytest.raises(SagaDefinitionError, match="'framework' is a name of the engine's own"):
        saga(inputs=("framework",))


def test_an_undo_must_do_without_what_its_own_step_gives() -> None:
    @step
    async def create(name: str) -> Credentials:
        raise NotImplementedError

    @create.undo
    async def _(user: str) -> None: ...

    with pytest.raises(
        SagaDefinitionError, match="'user', which does not exist when the step itself failed; give it a def"
    ):
        saga(create)


def test_a_result_without_a_name_is_refused() -> None:
    @step(undo=None)
    async def count() -> int:
        return 1

    with pytest.raises(SagaDefinitionError, match="step count.*has no name; write @step"):
        saga(count)


def test_a_step_that_is_not_async_or_not_named_is_refused() -> None:
    with pytest.raises(SagaDefinitionError, match="step plain: it is not an async function"):

        @step(undo=None)
        def plain() -> None: ...

    with pytest.raises(SagaDefinitionError, match="'rest' cannot be given by name"):

        @step(undo=None)
        async def greedy(**rest: str) -> None: ...


def test_binding_an_unknown_input_is_refused() -> None:
    with pytest.raises(SagaDefinitionError, match="nmae is not among its inputs; inputs are name"):
        saga(generate).bind(nmae="x")


def test_binding_leaves_the_original_alone() -> None:
    original = saga(generate, finish)

    assert original.bind(name="x").values == {"name": "x"}
    assert original.missing == ("name",)


def test_a_policy_puts_steps_around() -> None:
    @step(undo=None)
    async def quota() -> None: ...

    @step(undo=None)
    async def audit(user: str) -> None: ...

    wrapped = saga(generate, finish).with_steps(before=[quota], after=[audit])

    assert wrapped.step_names == ("quota", "generate", "finish", "audit")


def test_the_shape_says_what_an_interrupted_execution_depends_on() -> None:
    assert saga(generate, finish).shape() == {
        "version": 1,
        "resumes_from": [],
        "inputs": ["name"],
        "steps": [
            {"name": "generate", "takes": ["name"], "gives": ["password", "user"]},
            {"name": "finish", "takes": ["user"], "gives": ["result"]},
        ],
    }
