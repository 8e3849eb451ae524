"""Sagas: named, durable sequences of steps, checked when they are defined. Values only; nothing runs here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from typing import Any, Generic, TypeVar

from addonkit.errors import SagaDefinitionError
from addonkit.saga.step import ENGINE_NAMES, Step

T = TypeVar("T")


class Saga(Generic[T]):
    """A named, durable sequence of steps, each with a compensation.

    Everything is checked here, when the saga is defined: an argument without a provider, a key provided
    twice, a step without an undo. Values are immutable: `bind` and `with_steps` give another saga.

    Attributes:
        name: as `postgresql.provision-dedicated`; executions remember it.
        version: of its shape; grows when steps change in a released addon.
        steps: in the order they run; `step_names` are their names.
        inputs: names of values given when it is bound or run.
        resumes_from: older versions whose interrupted executions this one may continue: every step that
            they have journaled must be here, in the same order, at the beginning.
        values: inputs bound so far: JSON values and Secrets.

    Raises:
        SagaDefinitionError: naming the saga, the step and the key.
    """

    def __init__(
        self,
        name: str,
        *,
        version: int = 1,
        steps: Sequence[Step],
        inputs: Sequence[str] = (),
        resumes_from: Sequence[int] = (),
        values: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.version = version
        self.steps = tuple(steps)
        self.step_names = tuple([each.name for each in steps])
        self.inputs = tuple(inputs)
        self.resumes_from = tuple(resumes_from)
        self.values: Mapping[str, Any] = dict(values or {})
        self._check()

    def bind(self, **values: Any) -> Saga[T]:
        """Return the same saga with these inputs given.

        Raises:
            SagaDefinitionError: for a name that is not an input.
        """
        unknown = sorted(set(values) - set(self.inputs))
        if unknown:
            raise SagaDefinitionError(
                f"cannot bind saga {self.name}",
                f"{', '.join(unknown)} is not among its inputs",
                f"inputs are {', '.join(self.inputs) or 'none'}",
            )
        bound = copy(self)
        bound.values = {**self.values, **values}
        return bound

    def with_steps(self, *, before: Sequence[Step] = (), after: Sequence[Step] = ()) -> Saga[T]:
        """Return the same saga with steps of a policy around it."""
        return Saga(
            self.name,
            version=self.version,
            steps=(*before, *self.steps, *after),
            inputs=self.inputs,
            resumes_from=self.resumes_from,
            values=self.values,
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """Inputs that have no value yet."""
        return tuple(name for name in self.inputs if name not in self.values)

    def _check(self) -> None:
        """Check the versions, and follow the keys through the steps.

        Raises:
            SagaDefinitionError: at the first thing that cannot work, naming the saga, the step and the key.
        """
        attempted = f"cannot define saga {self.name}"
        if self.version < 1:
            raise SagaDefinitionError(attempted, f"version {self.version} is less than 1")
        for older in self.resumes_from:
            if not 1 <= older < self.version:
                found = f"it resumes from version {older}, which is not older than its own, {self.version}"
                raise SagaDefinitionError(attempted, found)
        taken = ENGINE_NAMES.intersection(self.inputs)
        if taken:
            raise SagaDefinitionError(attempted, f"input {min(taken)!r} is a name of the engine's own")
        providers = dict.fromkeys(ENGINE_NAMES, "the engine") | dict.fromkeys(self.inputs, "the inputs")
        seen: set[str] = set()
        for each in self.steps:
            if each.name in seen:
                raise SagaDefinitionError(attempted, f"two steps are named {each.name}")
            seen.add(each.name)
            _check_step(attempted, each, providers)

    def shape(self) -> dict[str, Any]:
        """Return what an interrupted execution depends on, for a lock file: version, inputs, steps, keys."""
        return {
            "version": self.version,
            "resumes_from": list(self.resumes_from),
            "inputs": sorted(self.inputs),
            "steps": [
                {"name": s.name, "takes": sorted(s.takes.names), "gives": sorted(s.output_types())} for s in self.steps
            ],
        }

    def __repr__(self) -> str:
        return f"<saga {self.name} version {self.version}>"


def _check_step(attempted: str, each: Step, providers: dict[str, str]) -> None:
    """Check one step and add what it gives to the providers."""
    if each.needs_object:
        raise SagaDefinitionError(attempted, f"step {each.name} is a method", f"take it from an object: it.{each.name}")
    if not each.has_undo_decision:
        raise SagaDefinitionError(attempted, f"step {each.name} has no undo", "write one, or undo=None on purpose")
    for name in each.takes.required:
        if name not in providers:
            raise SagaDefinitionError(
                attempted,
                f"nothing provides {name!r}, which step {each.name} takes",
                "name it in inputs or an earlier step",
            )
    outputs = each.output_types()
    _check_undo(attempted, each, outputs, providers)
    for name in outputs:
        if name in providers:
            raise SagaDefinitionError(
                attempted, f"{name!r} is provided twice: by {providers[name]} and by step {each.name}"
            )
        providers[name] = f"step {each.name}"


def _check_undo(attempted: str, each: Step, outputs: Collection[str], providers: Collection[str]) -> None:
    for name in each.undo_takes.required:
        if name in outputs:
            raise SagaDefinitionError(
                attempted,
                f"the undo of step {each.name} takes {name!r}, which does not exist when the step itself failed",
                "give it a default",
            )
        if name not in providers:
            raise SagaDefinitionError(attempted, f"nothing provides {name!r}, which the undo of step {each.name} takes")
