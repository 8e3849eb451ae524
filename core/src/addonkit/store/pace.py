"""Measures how long commits take: whether an event loop may wait for one, or a thread has to."""

from __future__ import annotations

from typing import Final

_LONGEST: Final = 0.001
"""Seconds of a commit that an event loop waits for: a thread would take a sixth of it to wake twice."""
_WEIGHT: Final = 0.2
"""Of the newest commit in the average: one that is slow by chance changes nothing."""


class Pace:
    """The average of what commits took. The first ones count as quick."""

    def __init__(self) -> None:
        self._average = 0.0

    @property
    def is_quick(self) -> bool:
        """Return whether the next commit is expected to be quick."""
        return self._average < _LONGEST

    def note(self, seconds: float) -> None:
        """Take note of what a commit took."""
        self._average += _WEIGHT * (seconds - self._average)
