"""Tells whether a saga may continue an execution: the recorded shape against the present one. Pure."""

from __future__ import annotations

from typing import Any

import attrs

from addonkit.errors import SagaRefused
from addonkit.models.execution import Execution, StepRecord, StepStatus
from addonkit.saga.saga import Saga


def check_saga(execution: Execution, saga: Saga[Any]) -> None:
    """Refuse an execution of another saga.

    Raises:
        SagaRefused: naming both.
    """
    if execution.saga != saga.name:
        raise SagaRefused(f"cannot resume {execution.id}", f"it runs {execution.saga}, not {saga.name}")


def reshaped(execution: Execution, saga: Saga[Any]) -> Execution:
    """Return the execution as this saga continues it: itself, or with the steps of a version that resumes from it.

    Inputs that the other version did not have are added.

    Raises:
        SagaRefused: when neither shape tells how to resume; the engine never guesses.
    """
    check_saga(execution, saga)
    problem = _problem(execution, saga)
    if problem:
        raise SagaRefused(
            f"cannot resume {execution.id}",
            problem,
            f"install the version that began it, or run `addonkit saga abandon {execution.id}`",
        )
    if execution.version == saga.version:
        return execution
    touched = _touched(execution)
    fresh = tuple(StepRecord(name) for name in saga.step_names[len(touched) :])
    inputs = {**saga.values, **execution.inputs}
    return attrs.evolve(execution, version=saga.version, steps=(*touched, *fresh), inputs=inputs)


def _problem(execution: Execution, saga: Saga[Any]) -> str:
    """Return why the saga cannot continue the execution; empty when it can."""
    recorded = tuple(record.name for record in execution.steps)
    if execution.version == saga.version:
        return (
            ""
            if recorded == saga.step_names
            else f"its steps were {_list(recorded)} and are {_list(saga.step_names)} now"
        )
    if execution.version not in saga.resumes_from:
        return f"it runs version {execution.version}, and version {saga.version} does not resume from that"
    begun = tuple(record.name for record in _touched(execution))
    if begun != saga.step_names[: len(begun)]:
        return f"its steps {_list(begun)} are not the first of {_list(saga.step_names)}"
    return ""


def _touched(execution: Execution) -> tuple[StepRecord, ...]:
    return tuple(record for record in execution.steps if record.status is not StepStatus.PENDING)


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
