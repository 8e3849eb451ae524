"""Whether an execution may be continued by a saga: its recorded shape against the present one. Pure."""

from __future__ import annotations

from typing import Any

import attrs

from addonkit.errors import SagaRefused
from addonkit.models.execution import Execution, StepRecord, StepStatus
from addonkit.saga.definition import Saga


def reshaped(execution: Execution, saga: Saga[Any]) -> Execution:
    """The execution as this saga continues it: itself, or with the steps of a version that resumes from it.

    Raises:
        SagaRefused: when nobody can tell how to go on; nothing is guessed.
    """
    recorded = tuple(record.name for record in execution.steps)
    attempted = f"cannot go on with {execution.id}"
    advice = f"install the version that began it, or use addonkit saga abandon {execution.id}"
    if execution.saga != saga.name:
        raise SagaRefused(attempted, f"it runs {execution.saga}, not {saga.name}", advice)
    if execution.version == saga.version:
        if recorded == saga.step_names:
            return execution
        found = f"its steps were {', '.join(recorded)} and are {', '.join(saga.step_names)} now"
        raise SagaRefused(attempted, found, advice)
    if execution.version not in saga.resumes_from:
        found = (
            f"it runs version {execution.version} of {saga.name}, and version {saga.version} does not resume from that"
        )
        raise SagaRefused(attempted, found, advice)
    touched = [record for record in execution.steps if record.status is not StepStatus.PENDING]
    if tuple(record.name for record in touched) != saga.step_names[: len(touched)]:
        found = f"its steps {', '.join(r.name for r in touched)} are not the first of {', '.join(saga.step_names)}"
        raise SagaRefused(attempted, found, advice)
    fresh = tuple(StepRecord(name) for name in saga.step_names[len(touched) :])
    return attrs.evolve(execution, version=saga.version, steps=(*touched, *fresh))
