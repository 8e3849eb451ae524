"""Times as people read them: in the machine's zone, to the minute. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def time_text(time: datetime | None) -> str:
    """Return a time as `2026-11-27 03:00`; a dash without one."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}" if time else "-"
