"""Decides how long a registry is asked, when again, and how long to wait before. Pure functions."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import attrs

_FIRST: Final = 0.5
_LONGEST: Final = 8.0
_PASSING: Final = frozenset({408, 425, 429})
_NOT_IMPLEMENTED: Final = 501


@attrs.frozen
class Limits:
    """Limits of time and number for one question.

    Attributes:
        total: seconds for everything, waiting included.
        connect: seconds for one connection.
        mirror: seconds for everything with one mirror.
        attempts: how often one request is sent at most; to a mirror only once.
    """

    total: float = 60.0
    connect: float = 10.0
    mirror: float = 15.0
    attempts: int = 5


def passes(status: int) -> bool:
    """Return whether an HTTP status may be another one after a while: too many requests, or a fault of the server."""
    return status in _PASSING or (500 <= status < 600 and status != _NOT_IMPLEMENTED)  # noqa: PLR2004 - HTTP's class


def backoff(attempt: int) -> float:
    """Return seconds to wait after that many failed attempts (from 1): doubling from 0.5, at most 8."""
    return min(_FIRST * 2.0 ** min(attempt - 1, 10), _LONGEST)


def retry_after(value: str, now: datetime) -> float | None:
    """Return seconds that a `Retry-After` header asks for: a number of seconds or an HTTP date (RFC 9110, 10.2.3).

    0 for a date that has passed; None for anything else that is not understood.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])  # longer ones are beyond every time limit anyway
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    seconds: float = (aware - now).total_seconds()
    return max(seconds, 0.0)
