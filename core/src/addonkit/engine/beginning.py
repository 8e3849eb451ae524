"""Takes an execution over: makes its first journal entry, or checks that its saga may continue it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from addonkit.engine.cancellation import forget_cancellation
from addonkit.engine.failure import secrets_in
from addonkit.engine.journal import with_start
from addonkit.errors import SagaDefinitionError, SagaRefused
from addonkit.models.execution import Execution, ExecutionStatus, StepRecord, StepStatus
from addonkit.saga.saga import Saga
from addonkit.store.codec import unstructure
from addonkit.store.interface import Entity
from addonkit.util.clock import Clock
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.store.interface import Transaction


@frozen
class Begun:
    """An execution as its process takes it over.

    Attributes:
        entity: as it is stored.
        step: name of the step whose start was journaled with it; empty for an execution that was there before.
    """

    entity: Entity[Execution]
    step: str = ""


@frozen
class Beginning:
    """The beginning of an execution, if there is none of that id.

    Attributes:
        id: of the execution.
        saga: what it runs, bound.
        subject: entity ids by role.
        clock: gives the time.
        fruitless: states in which a former execution of that id is forgotten.
    """

    id: str
    saga: Saga[Any]
    subject: Mapping[str, str]
    clock: Clock
    fruitless: Collection[ExecutionStatus]

    def load_or_begin(self, tx: Transaction) -> Begun:
        """Return the execution of that id; a new one, whose first step begins, when there is none.

        Raises:
            SagaDefinitionError: inputs are missing, or are not JSON values and Secrets.
        """
        entity = tx.get(Execution, self.id)
        if entity is not None and entity.value.status not in self.fruitless:
            return Begun(entity)
        if entity is not None:
            tx.delete(Execution, self.id)
            forget_cancellation(tx, self.id)
        execution = Execution(
            self.id,
            self.saga.name,
            self.saga.version,
            ExecutionStatus.RUNNING,
            tuple(map(StepRecord, self.saga.step_names)),
            inputs=_inputs(self.saga),
            subject=self.subject,
            created=self.clock.now(),
        )
        if not self.saga.steps:
            return Begun(tx.create(self.id, execution))
        first = self.saga.steps[0]
        started = with_start(execution, first, self.clock.now(), secrets_in(execution.inputs))
        return Begun(tx.create(self.id, started), first.name)


def _inputs(saga: Saga[Any]) -> Mapping[str, Any]:
    """Return what an execution of the saga begins with, as trees for the journal."""
    attempted = f"cannot run saga {saga.name}"
    if saga.missing:
        missing = ", ".join(map(repr, saga.missing))
        raise SagaDefinitionError(attempted, f"its input {missing} has no value", "bind it")
    inputs: dict[str, Any] = {}
    for name, value in saga.values.items():
        try:
            inputs[name] = unstructure(value)
        except (TypeError, ValueError) as error:
            raise SagaDefinitionError(attempted, f"its input {name!r} cannot be journaled: {error}") from error
    return inputs


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
