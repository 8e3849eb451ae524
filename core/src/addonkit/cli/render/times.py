"""Times as people read them: in the machine's zone, to the minute. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_UNITS: Final = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1)))
_LEAST: Final = 2
"""Of a unit: 26 h say more than one day."""


def time_text(time: datetime | None) -> str:
    """Return a time as `2026-11-27 03:00`; a dash without one."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}" if time else "-"


def age_text(time: datetime, now: datetime | None = None) -> str:
    """Return how long ago a time was, as `26 h`; `now` is the present one."""
    age = (now or datetime.now(UTC)) - time
    for name, unit in _UNITS:
        if age >= _LEAST * unit:
            return f"{age // unit:,} {name}"
    return "1 min" if age >= _UNITS[-1][1] else "new"
