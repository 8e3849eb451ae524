"""Arguments of steps: values by name, from the execution and from the engine's own resources, and `sagas`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from addonkit.errors import LeaseLost, SagaRefused
from addonkit.models.execution import Execution
from addonkit.saga.protocol import Sagas
from addonkit.saga.saga import Saga
from addonkit.saga.step import ENGINE_NAMES, Signature, Step
from addonkit.store.codec import structure, unstructure
from addonkit.store.readers import plain


def arguments(saga: Saga[Any], execution: Execution, takes: Signature, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a step or undo; names with a default are left out when they have no value.

    Outputs come from the journal, also those of steps that are undone by now. An undo that is tried again then finds
    what it found first.
    """
    given: dict[str, Any] = {}
    for name in takes.names:
        if name in ENGINE_NAMES:
            given[name] = own.get(name)
        elif (output := _output(saga, execution, name)) is not None:
            given[name] = output[0]
        elif name in execution.inputs:
            given[name] = plain(execution.inputs[name])
    return given


def contribution(step: Step, result: Any) -> dict[str, Any]:
    """Return what a step's result contributes, as trees for the journal.

    Raises:
        TypeError, ValueError: when the result is not what the step is annotated with, or cannot be kept.
    """
    types = step.output_types()
    if step.gives:
        return {step.gives: _checked(step.gives, result, types[step.gives])}
    given = {}
    for key, kind in types.items():
        if not hasattr(result, key):
            raise TypeError(f"the step returned a {type(result).__name__}, which has no {key!r}")
        given[key] = _checked(key, getattr(result, key), kind)
    return given


def result_of(saga: Saga[Any], execution: Execution) -> Any:
    """Return the value named `result`, or None when the saga has none.

    Raises:
        SagaRefused: when another version of the saga made it, and this one cannot read it.
    """
    try:
        return arguments(saga, execution, Signature((), ("result",)), {}).get("result")
    except ValueError as error:
        raise SagaRefused(f"cannot use the result of {execution.id}", str(error)) from error


def _output(saga: Saga[Any], execution: Execution, key: str) -> tuple[Any] | None:
    """Return the journaled output of that key as the type it is annotated with; None when there is none."""
    for record in execution.steps:
        if record.output is not None and key in record.output:
            tree = record.output[key]
            types = [step.output_types() for step in saga.steps if step.name == record.name]
            return (structure(tree, types[0][key]) if types and key in types[0] else plain(tree),)
    return None


def _checked(key: str, value: Any, kind: Any) -> Any:
    """Return a tree that reads back: what cannot be read again must fail now, while it can be undone."""
    try:
        tree = unstructure(value)
        structure(tree, kind)
    except (TypeError, ValueError) as error:
        raise TypeError(f"its output {key!r} cannot be journaled: {error}") from error
    return tree


class ChildSagas:
    """Runs executions on behalf of a step, which receives it as `sagas`; undoing the step does not undo them.

    An execution that another process takes over meanwhile is waited for.
    """

    def __init__(self, engine: Sagas, subject: Mapping[str, str]) -> None:
        self._engine = engine
        self._subject = subject

    async def ensure(
        self,
        id: str,
        saga: Saga[Any],
        inputs: Mapping[str, Any] | None = None,
        subject: Mapping[str, str] | None = None,
        *,
        again: bool = False,
    ) -> Any:
        """Join, resume or start the execution of that id and return its result; see Engine.ensure.

        It serves what the step's own execution serves, unless a subject is given.
        """
        while True:
            try:
                served = self._subject if subject is None else subject
                return await self._engine.ensure(id, saga, inputs, served, again=again)
            except LeaseLost:
                continue

    async def undo(self, id: str, saga: Saga[Any], *, completed: bool = True) -> None:
        """Undo the execution of that id, whatever its state; see Engine.undo."""
        while True:
            try:
                return await self._engine.undo(id, saga, completed=completed)
            except LeaseLost:
                continue
