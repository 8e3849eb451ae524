"""A saga that cannot work is refused when it is defined, with the names."""

from __future__ import annotations

import functools

import attrs
import pytest

from addonkit.errors import SagaDefinitionError
from addonkit.models.secret import Secret
from addonkit.saga.saga import Saga
from addonkit.saga.step import step


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
    with pytest.raises(SagaDefinitionError, match=r"test\.saga: nothing provides 'user', which step finish takes"):
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


def test_an_undo_that_takes_what_nobody_provides_is_refused() -> None:
    @step
    async def create(name: str) -> None: ...

    @create.undo
    async def _(nmae: str) -> None: ...

    with pytest.raises(
        SagaDefinitionError, match=r"test\.saga: nothing provides 'nmae', which the undo of step create"
    ):
        saga(create)


def test_an_undo_that_is_not_async_is_refused() -> None:
    with pytest.raises(SagaDefinitionError, match="the undo of step create: it is not an async function"):

        @step(undo=lambda: None)
        async def create() -> None: ...


def test_an_undo_may_take_inputs_earlier_outputs_and_with_a_default_its_own() -> None:
    @step
    async def create(name: str) -> Credentials:
        raise NotImplementedError

    @create.undo
    async def _(name: str, earlier: int, framework: object, user: str = "") -> None: ...

    @step(gives="earlier", undo=None)
    async def count() -> int:
        return 1

    assert saga(count, create).step_names == ("count", "create")


def test_a_step_without_a_result_type_is_refused() -> None:
    @step(undo=None)
    async def vague():  # type: ignore[no-untyped-def]
        pass

    with pytest.raises(SagaDefinitionError, match="step vague: its result is not annotated; write -> None or a type"):
        saga(vague)


def test_a_result_type_that_does_not_resolve_is_refused() -> None:
    @attrs.frozen
    class Local:
        user: str

    @step(undo=None)
    async def create() -> Local:
        raise NotImplementedError

    with pytest.raises(SagaDefinitionError, match="step create: the type of its result does not resolve: .*'Local'"):
        saga(create)


def test_types_of_parameters_need_not_exist_when_the_program_runs() -> None:
    @step(gives="result", undo=None)
    async def use(name: OnlyForTheTypeChecker) -> str:  # type: ignore[name-defined] # noqa: F821
        return name

    assert saga(use).steps[0].output_types() == {"result": str}


def test_a_decorated_function_resolves_its_types_where_it_was_written() -> None:
    @functools.wraps(generate.run)
    async def wrapped(*args: object, **kwargs: object) -> object: ...

    assert set(step(undo=None)(wrapped).output_types()) == {"user", "password"}


@pytest.mark.parametrize("version", [0, -1])
def test_a_version_below_one_is_refused(version: int) -> None:
    with pytest.raises(SagaDefinitionError, match=f"version {version} is less than 1"):
        Saga("test.saga", version=version, steps=[])


@pytest.mark.parametrize("older", [0, 2, 3])
def test_a_saga_resumes_only_from_older_versions(older: int) -> None:
    with pytest.raises(SagaDefinitionError, match=f"it resumes from version {older}, which is not older than its own"):
        Saga("test.saga", version=2, steps=[], resumes_from=(1, older))


def test_a_policy_is_checked_with_the_saga_it_wraps() -> None:
    @step(undo=None)
    async def audit(user: str) -> None: ...

    with pytest.raises(SagaDefinitionError, match="nothing provides 'user', which step audit takes"):
        saga(generate, finish).with_steps(before=[audit])


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


class Greeting:
    """Steps that are methods: both functions get the object."""

    def __init__(self, word: str) -> None:
        self.word = word

    @step(gives="text")
    async def greet(self, name: str) -> str:
        return f"{self.word} {name}"

    @greet.undo
    async def undo_greet(self, name: str) -> None:
        self.word = f"no {name}"


async def test_a_step_that_is_a_method_belongs_to_the_object_it_was_taken_from() -> None:
    hello, bye = Greeting("hello"), Greeting("bye")

    taken = saga(hello.greet)

    assert taken.steps[0].takes.names == ("name",)
    assert await hello.greet.run(name="it") == "hello it"
    assert await bye.greet.run(name="it") == "bye it"
    undo = bye.greet.undo_function
    assert undo is not None
    await undo(name="it")
    assert (hello.word, bye.word) == ("hello", "no it")


def test_a_method_without_an_object_is_refused() -> None:
    with pytest.raises(SagaDefinitionError, match=r"step greet is a method; take it from an object: it\.greet"):
        saga(Greeting.greet)


def test_a_step_has_another_title_or_other_sagas_without_a_change_to_itself() -> None:
    child = saga(generate)
    other = generate.with_title("think of one").with_runs(child)

    assert (other.title, other.runs) == ("think of one", (child,))
    assert (generate.title, generate.runs) != (other.title, other.runs)
