"""Times as people read them: in the machine's zone, to the minute. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_UNITS: Final = (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1)))
_LEAST: Final = 2
"""Of a unit: 26 hours say more than one day."""


def time_text(time: datetime | None) -> str:
    """Return a time as `2026-11-27 03:00`; a dash without one."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}" if time else "-"


def age_text(time: datetime, now: datetime | None = None) -> str:
    """Return how long ago a time was, as `26 hours`; `now` is the present one."""
    age = (now or datetime.now(UTC)) - time
    for name, unit in _UNITS:
        if age >= _LEAST * unit:
            return f"{age // unit:,} {name}"
    return "1 minute" if age >= _UNITS[-1][1] else "new"
