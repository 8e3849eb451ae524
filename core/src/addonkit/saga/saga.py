"""Sagas: named, durable sequences of steps, checked when they are defined. Values only; nothing runs here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, Generic, TypeVar

from addonkit.errors import SagaDefinitionError
from addonkit.saga.checks import check
from addonkit.saga.step import Step

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
        check(name, self.steps, self.inputs, version, self.resumes_from)

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
