"""Storage sizes such as `10Gi`. Pure functions."""

from __future__ import annotations

import re
from typing import Final

from addonkit.errors import InvalidSize

_INT64_MAX: Final = 2**63 - 1
_GIBIBYTES: Final = re.compile(r"\s*\+?0*([1-9][0-9]{0,18})Gi\s*", re.ASCII)


_STEP: Final = 1024


def describe_size(count: int) -> str:
    """Return a number of bytes for people: `1.5 MiB`."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < _STEP:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= _STEP
    return f"{size:,.1f} TiB"


def parse_size(text: str) -> int:
    """Return gibibytes of a size such as `10Gi`: a whole number from 1 to 2**63 - 1 and the unit `Gi`.

    Raises:
        InvalidSize: for anything else; nothing is guessed.
    """
    match = _GIBIBYTES.fullmatch(text)
    if match is None or int(match[1]) > _INT64_MAX:
        raise InvalidSize(f"cannot read {text!r} as a storage size", "it is not like '10Gi'", "use whole Gi")
    return int(match[1])


def parse_storage_gb(text: str) -> int:
    """Return gibibytes of a size such as `10Gi`, or 1 when it cannot be read.

    Total on purpose, for values that were stored long ago. `parse_size` checks a definition's sizes when the addon
    loads: a typing mistake never becomes a disk of 1 Gi.
    """
    try:
        return parse_size(text)
    except InvalidSize:
        return 1


def describe_duration(seconds: float) -> str:
    """Return `45 s`, `12 min`, `3 h 20 min`, `5 d 2 h`."""
    minutes, hours, days = int(seconds) // 60, int(seconds) // 3600, int(seconds) // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{int(seconds)} s"
