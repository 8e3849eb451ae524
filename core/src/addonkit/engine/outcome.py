"""Turns the end of an execution into a result, or an error for its caller. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from addonkit.engine.arguments import result_of
from addonkit.engine.beginning import check_saga
from addonkit.errors import SagaBlocked, SagaFailed
from addonkit.models.execution import Execution, ExecutionStatus

if TYPE_CHECKING:
    from addonkit.saga.saga import Saga


def outcome(saga: Saga[Any], execution: Execution, cause: Exception | None = None) -> Any:
    """Return the result of a completed execution.

    Args:
        saga: what the execution ran, in the same or another version.
        execution: completed, failed, abandoned or blocked.
        cause: what made it fail; chained to the error.

    Raises:
        SagaFailed: it failed or was given up.
        SagaBlocked: it is blocked.
        SagaRefused: it ran another saga, or its result cannot be read by this version.
    """
    check_saga(execution, saga)
    match execution.status:
        case ExecutionStatus.COMPLETED:
            return result_of(saga, execution)
        case ExecutionStatus.BLOCKED:
            raise blocked(execution)
        case _:
            raise failed(saga, execution) from cause


def failed(saga: Saga[Any], execution: Execution) -> SagaFailed:
    """Return the error of an execution that failed, with what went wrong at first."""
    title = next((step.title for step in saga.steps if step.name == execution.failed_step), execution.saga)
    reason = execution.error
    if execution.status is ExecutionStatus.ABANDONED:
        left = ", ".join(record.name for record in execution.uncompensated)
        reason = f"{reason}; it was given up, not undone: {left}"
    return SagaFailed(
        title,
        reason,
        execution=execution.id,
        saga=execution.saga,
        step=execution.failed_step,
        reason=execution.error,
        transient=execution.transient,
    )


def blocked(execution: Execution) -> SagaBlocked:
    """Return the error of an execution that cannot be undone, naming the first obstacle."""
    stuck = execution.uncompensated[-1]
    began = f" (it is undone because {execution.error})" if execution.error not in {"", stuck.error} else ""
    return SagaBlocked(
        f"undoing {execution.saga}",
        f"step {stuck.name}: {stuck.error}{began}",
        f"`addonkit saga retry {execution.id}` tries again, `addonkit saga abandon {execution.id}` gives up",
        execution=execution.id,
        saga=execution.saga,
        step=stuck.name,
        reason=stuck.error,
    )
