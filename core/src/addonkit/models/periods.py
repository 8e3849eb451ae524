"""Periods such as `7d`. Pure functions."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from addonkit.errors import InvalidInput

_UNITS: Final = {
    "": timedelta(days=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_PERIOD: Final = re.compile(r"([0-9]{1,5})([mhdw]?)", re.ASCII)


def parse_period(text: str, attempted: str) -> timedelta:
    """Return the length of a period: a number of days, or of minutes, hours, days or weeks (`90m`, `12h`, `7d`, `2w`).

    Raises:
        InvalidInput: it is something else.
    """
    match = _PERIOD.fullmatch(text.strip())
    if match is None:
        raise InvalidInput(attempted, f"{text!r} is no period", "write 7d, 12h or 2w")
    return int(match[1]) * _UNITS[match[2]]
