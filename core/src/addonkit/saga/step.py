"""Steps: async functions with names for what they take and give, and with their compensation. Nothing runs here."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from functools import partial
from types import MethodType, SimpleNamespace
from typing import Any, Final, Protocol

import attrs

from addonkit.errors import SagaDefinitionError
from addonkit.util.values import frozen

ENGINE_NAMES: Final = frozenset(
    {"framework", "app", "instance", "association", "variant", "server", "settings", "sagas", "progress", "archive"}
)
"""Arguments that the engine itself provides to steps and undos, by these names:

- `framework`: a ProviderFramework.
- `app`, `instance`, `association`, `variant`, `server`: the entities that the execution serves, as they are when the
  step starts; None where it serves none.
- `settings`: what the operator told the addon, names to text or Secrets.
- `sagas`: runs sagas that are shared with other executions, see Sagas.
- `progress`: a function that takes one sentence and shows it to the user, see Progress.
- `archive`: where the data of a backup go, or come from; None outside of one. See Archive.
"""

Function = Callable[..., Awaitable[Any]]


@frozen
class Retry:
    """The number and pace of attempts before a step's failure counts.

    Only transient faults are tried again: `Retryable`, time-outs, refused or reset connections.

    Attributes:
        attempts: runs in all.
        first_delay: seconds before the second run.
        factor: by which the delay grows.
        longest_delay: seconds, its upper bound.
    """

    attempts: int = 5
    first_delay: float = 0.2
    factor: float = 2.0
    longest_delay: float = 10.0

    def delay(self, attempt: int) -> float:
        """Return seconds to wait after the run with that 1-based number."""
        return min(self.first_delay * self.factor ** (attempt - 1), self.longest_delay)


class _NotGiven:
    def __repr__(self) -> str:
        return "<not given>"


NOT_GIVEN: Final = _NotGiven()


@frozen
class Signature:
    """The names that a step or undo takes.

    Attributes:
        required: names without a default.
        optional: names with a default.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return self.required + self.optional

    @classmethod
    def of(cls, function: Function, what: str) -> Signature:
        """Return the signature of a step or undo.

        Raises:
            SagaDefinitionError: when it is not `async def`, or takes `*args` or `**kwargs`.
        """
        if not inspect.iscoroutinefunction(function):
            raise SagaDefinitionError(f"cannot define {what}", "it is not an async function", "write async def")
        required: list[str] = []
        optional: list[str] = []
        parameters = list(inspect.signature(function).parameters.values())
        for parameter in parameters[1 if _needs_object(function) else 0 :]:
            if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
                raise SagaDefinitionError(
                    f"cannot define {what}",
                    f"its parameter {parameter.name!r} cannot be given by name",
                    "name every argument",
                )
            (required if parameter.default is parameter.empty else optional).append(parameter.name)
        return cls(tuple(required), tuple(optional))


class StepSequence(Protocol):
    """A saga, as far as a step needs to know one."""

    @property
    def name(self) -> str:
        """Name of the saga."""
        ...

    @property
    def steps(self) -> tuple[Step, ...]:
        """Steps in the order they run."""
        ...

    @property
    def step_names(self) -> tuple[str, ...]:
        """Names of the steps, in order."""
        ...


class Step:
    """One step of a saga: an async function, what it contributes, and how it is undone.

    Made by `@step`; not called directly. A step must be safe to run again from the start: the engine
    may stop between its effect and its journal entry. Names come from ids, and "already there and mine" is
    success.

    When a step fails, its own undo runs too, for it may have had half of its effect. A step that knows it had none
    raises an exception that carries the mark `NothingDone`.

    A step can be a method, and so can its undo: their first parameter is `self`. Take such a step from an object, which
    both get.

    Attributes:
        name: of the function.
        run: the function.
        gives: the name its result is contributed under; empty when an attrs result contributes its fields.
        timeout: seconds one run (of the step or its undo) may take.
        retry: see Retry.
        title: what it does, for people: the first line of its docstring, else its name in words.
        takes: see Signature.
        runs: sagas it may start through `sagas`; named so that a plan can show their steps.
        effect: whether it changes anything. One that only computes is journaled together with its neighbours.
        needs_object: whether it is a method that was not taken from an object.
        undo_function: the compensation, or None when the step says on purpose that it needs none.
        has_undo_decision: whether the author said how the step is undone, or that it need not be.
    """

    def __init__(
        self,
        function: Function,
        *,
        gives: str,
        undo: Any,
        timeout: float,
        retry: Retry,
        title: str,
        runs: Sequence[StepSequence],
        effect: bool,
    ) -> None:
        self.name: str = function.__name__
        self.run = function
        self.gives = gives
        self.timeout = timeout
        self.retry = retry
        self.title = title or title_of(function)
        self.runs = tuple(runs)
        self.effect = effect
        self.takes = Signature.of(function, f"step {self.name}")
        self.needs_object = _needs_object(function)
        self.has_undo_decision = undo is not NOT_GIVEN
        self.undo_function: Function | None = None
        self._types: Mapping[str, Any] | None = None
        self.undo_takes = Signature((), ())
        if callable(undo):
            self.undo(undo)

    def __get__(self, owner: object, kind: type | None = None) -> Step:
        """Return the step of that object, for a step that is a method; else the step itself."""
        if owner is None or not self.needs_object:
            return self
        bound = copy(self)
        bound.run = MethodType(self.run, owner)
        bound.needs_object = False
        if self.undo_function and _needs_object(self.undo_function):
            bound.undo_function = MethodType(self.undo_function, owner)
        return bound

    def with_title(self, title: str) -> Step:
        """Return the same step with another title."""
        changed = copy(self)
        changed.title = title
        return changed

    def with_runs(self, *runs: StepSequence) -> Step:
        """Return the same step, which may start these sagas."""
        changed = copy(self)
        changed.runs = runs
        return changed

    def undo(self, function: Function) -> Function:
        """Decorate the compensation: it takes names like a step, its own step's outputs included.

        It also runs when the step itself failed half-way: outputs of its own step then have no value,
        so it must give them a default. "Already gone" is success.

        Raises:
            SagaDefinitionError: when it takes what no undo can, or its step has no effect.
        """
        if not self.effect:
            raise SagaDefinitionError(
                f"cannot define step {self.name}", "it has an undo and no effect", "leave one of them out"
            )
        self.undo_takes = Signature.of(function, f"the undo of step {self.name}")
        self.undo_function = function
        self.has_undo_decision = True
        return function

    def output_types(self) -> Mapping[str, Any]:
        """Return what the step contributes: key to type.

        Raises:
            SagaDefinitionError: when the result is not annotated, or with something that contributes nothing.
        """
        try:
            if self._types is None:
                self._types = self._output_types()
        except NameError as error:
            raise SagaDefinitionError(
                f"cannot define step {self.name}",
                f"the type of its result does not resolve: {error}",
                "define it at the top of a module and import it outside TYPE_CHECKING",
            ) from error
        return self._types

    def _output_types(self) -> Mapping[str, Any]:
        attempted = f"cannot define step {self.name}"
        annotations = inspect.get_annotations(self.run)
        if "return" not in annotations:
            raise SagaDefinitionError(attempted, "its result is not annotated", "write -> None or a type")
        # Types of parameters need not exist when the program runs.
        only = SimpleNamespace(__annotations__={"return": annotations["return"]})
        names = getattr(inspect.unwrap(self.run), "__globals__", {})
        annotation = typing.get_type_hints(only, globalns=names)["return"]
        if self.gives:
            return {self.gives: annotation}
        if annotation is type(None):
            return {}
        if attrs.has(annotation):
            attrs.resolve_types(annotation)
            return {field.name: field.type for field in attrs.fields(annotation)}
        raise SagaDefinitionError(
            attempted,
            f"a result of type {annotation!r} has no name",
            "write @step(gives='...') or return attrs",
        )

    def __repr__(self) -> str:
        return f"<step {self.name}>"


def _needs_object(function: Function) -> bool:
    code = getattr(function, "__code__", None)
    is_bound = isinstance(function, MethodType)
    return not is_bound and code is not None and code.co_argcount > 0 and code.co_varnames[0] == "self"


def title_of(function: Callable[..., Any]) -> str:
    """Return what a function does, for people: the first line of its docstring without its full stop, else its name."""
    doc = inspect.getdoc(function)
    first = doc.splitlines()[0].strip().rstrip(".") if doc else function.__name__.replace("_", " ")
    return first[:1].lower() + first[1:]


@typing.overload
def step(function: Function, /) -> Step: ...
@typing.overload
def step(
    *,
    gives: str = "",
    undo: Any = NOT_GIVEN,
    timeout: float = 60.0,
    retry: Retry = ...,
    title: str = "",
    runs: Sequence[StepSequence] = (),
    effect: bool = True,
) -> Callable[[Function], Step]: ...
def step(
    function: Function | None = None,
    /,
    *,
    gives: str = "",
    undo: Any = NOT_GIVEN,
    timeout: float = 60.0,
    retry: Retry = Retry(),
    title: str = "",
    runs: Sequence[StepSequence] = (),
    effect: bool = True,
) -> Any:
    """Make an async function a step.

    Like a pytest fixture, it receives its arguments by name: inputs of the saga, outputs of earlier
    steps, and the engine's own (`framework`, `instance`, `settings` and so on: see ENGINE_NAMES).

    Args:
        function: given when the decorator is used without parentheses.
        gives: name under which the result is contributed; without it, an attrs result contributes
            its fields and None contributes nothing.
        undo: the compensation, or None to say that nothing needs undoing; else use `@name.undo`.
        timeout: seconds one run may take.
        retry: how transient faults are tried again.
        title: what it does, for people; default is the docstring's first line.
        runs: sagas it may start through `sagas`, for plans.
        effect: False for a step that only computes or reads, quickly: it needs no undo, and costs no commit of its
            own. After a crash it is run again, and so is the step before it.
    """
    if function is None:
        return partial(
            step, gives=gives, undo=undo, timeout=timeout, retry=retry, title=title, runs=runs, effect=effect
        )
    undone = undo if effect or undo is not NOT_GIVEN else None
    return Step(function, gives=gives, undo=undone, timeout=timeout, retry=retry, title=title, runs=runs, effect=effect)
