"""Finds the times at which lines of a server's log were written, as far as they say so. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from addonkit.errors import InvalidInput

_ISO: Final = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:[.,]\d+)? ?(UTC|GMT|Z|[+-]\d\d:?\d\d)?")
_NAMED: Final = re.compile(r"\b(\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d)")
"""As Valkey writes it, in the machine's time."""

_BEGINNING: Final = 60
"""Characters of a line in which its time is looked for."""

_AGO: Final = re.compile(r"(\d{1,6})\s*(s|m|min|h|d)")
_SECONDS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def since_time(text: str, now: datetime) -> datetime:
    """Return the time that a user means: `10m` ago, `2026-11-27`, or `2026-11-27T10:00` in the machine's time.

    Raises:
        InvalidInput: it is neither.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return now - timedelta(seconds=int(ago[1]) * _SECONDS[ago[2]])
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except ValueError:
        found = f"{text!r} is no time"
        raise InvalidInput("cannot show the log", found, "use 10m, 2h, 1d, or 2026-11-27T10:00") from None


def lines_since(lines: Sequence[str], since: datetime) -> list[str]:
    """Return the lines written since a time; a line that has none goes with the one before it."""
    for number, line in enumerate(lines):
        time = line_time(line)
        if time is not None and time >= since.replace(microsecond=0):
            return [*lines[number:]]
    return []


def line_time(line: str) -> datetime | None:
    """Return when a line was written; None when it does not say."""
    beginning = line[:_BEGINNING]
    iso = _ISO.search(beginning)
    try:
        if iso:
            zone = {"UTC": "+00:00", "GMT": "+00:00", "Z": "+00:00"}.get(iso[3] or "", iso[3] or "")
            return datetime.fromisoformat(f"{iso[1]}T{iso[2]}{zone}").astimezone(UTC)
        named = _NAMED.search(beginning)
        return datetime.strptime(named[1], "%d %b %Y %H:%M:%S").astimezone(UTC) if named else None
    except ValueError:
        return None
