"""Renders executions of sagas as text for people. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from addonkit.cli.render.table import block, table
from addonkit.cli.streams import clean

if TYPE_CHECKING:
    from addonkit.models.execution import Execution


def executions_text(executions: Sequence[Execution]) -> str:
    """Return a table of executions, oldest first."""
    if not executions:
        return "no executions"
    rows = [
        (e.id, str(e.status), f"{e.created:%Y-%m-%d %H:%M:%S}" if e.created else "-", e.saga, _last_words(e) or "-")
        for e in executions
    ]
    return table(("EXECUTION", "STATUS", "STARTED", "SAGA", "LAST EVENT"), rows)


def _last_words(execution: Execution) -> str:
    last = execution.error or (execution.events[-1].message if execution.events else "")
    return last.partition("\n")[0]


def execution_text(execution: Execution) -> str:
    """Return all about one execution: its steps and what happened."""
    fields = {
        "id": execution.id,
        "saga": f"{execution.saga} (version {execution.version})",
        "status": str(execution.status),
        "for": ", ".join(f"{role} {name}" for role, name in execution.subject.items()),
        "error": execution.error,
    }
    steps = table(
        ("STEP", "STATUS", "RUNS", "ERROR"),
        [(s.name, str(s.status), str(s.attempts), s.error.partition("\n")[0]) for s in execution.steps],
    )
    events = [f"{e.at:%H:%M:%S} {e.kind}: {clean(e.message)}" for e in execution.events]
    return "\n".join((block(fields), "", steps, *(("", *events) if events else ())))
