"""What a step receives: values by name. Pure functions of the execution and the engine's own resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from addonkit.models.execution import Execution
from addonkit.saga.definition import Saga, Signature, Step
from addonkit.store.codec import structure, unstructure


def arguments(saga: Saga[Any], execution: Execution, takes: Signature, own: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a step or undo; names with a default are left out when they have no value."""
    known = {**execution.inputs, **outputs(saga, execution), **own}
    return {name: known[name] for name in takes.names if name in known}


def outputs(saga: Saga[Any], execution: Execution) -> dict[str, Any]:
    """What the journaled steps contributed, as the types they were annotated with; undone ones included."""
    found: dict[str, Any] = {}
    steps = {step.name: step for step in saga.steps}
    for record in execution.steps:
        if record.output is None or record.name not in steps:
            continue
        types = steps[record.name].output_types()
        found |= {key: structure(tree, types[key]) for key, tree in record.output.items() if key in types}
    return found


def contribution(step: Step, result: Any) -> dict[str, Any]:
    """What a step's result contributes, as trees for the journal.

    Raises:
        TypeError, ValueError: when the result cannot be kept.
    """
    types = step.output_types()
    if not types:
        return {}
    if step.gives:
        return {step.gives: _checked(result, types[step.gives])}
    return {key: _checked(getattr(result, key), kind) for key, kind in types.items()}


def result_of(saga: Saga[Any], execution: Execution) -> Any:
    """The value named `result`, or None when the saga has none."""
    return {**execution.inputs, **outputs(saga, execution)}.get("result")


def _checked(value: Any, kind: Any) -> Any:
    """A tree that reads back: what cannot be read again must fail now, while it can be undone."""
    tree = unstructure(value)
    structure(tree, kind)
    return tree
