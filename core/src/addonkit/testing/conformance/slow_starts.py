"""Remembers servers that do not get ready: each further check would wait for one as long, to say the same."""

from __future__ import annotations

from collections import Counter
from typing import Final

from addonkit.errors import PoolTimeout
from addonkit.testing.conformance.assertions import fail, root_of

MOST_WAITS: Final = 2
"""Servers of a variant that may fail to get ready in one process; after them no further one is started."""

_waits: Counter[str] = Counter()


def note_wait(variant: str, error: BaseException) -> None:
    """Count a server that was not ready in its time; other errors are quick."""
    if isinstance(root_of(error), PoolTimeout):
        _waits[variant] += 1


def check_worth_waiting(variant: str) -> None:
    """Fail the check when servers of a variant were not ready before."""
    if _waits[variant] >= MOST_WAITS:
        fail(
            f"no server of variant {variant} is started: {_waits[variant]} were not ready in their time before",
            "fix that first; the checks that waited show the end of the server's log",
        )
