"""Shows outcomes: a row for each cell, and sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from crash_trials.cells import Cell


def row(cell: Cell, outcome: str) -> str:
    """Return one cell and what came of it."""
    return f"{outcome:<20}  {cell}"


def sums(outcomes: Iterable[tuple[Cell, str]]) -> str:
    """Return how many cells had which outcome, for each addon and operation."""
    counted = Counter((cell.addon, cell.operation, outcome.partition(":")[0]) for cell, outcome in outcomes)
    return "\n".join(
        f"{number:>5}  {addon} {operation}: {outcome}"
        for (addon, operation, outcome), number in sorted(counted.items())
    )
