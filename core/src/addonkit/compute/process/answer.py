"""The answer that a probe expects of a server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_LONGEST: Final = 4096
"""Bytes of an answer in which a pattern is looked for."""


class ExpectedAnswer:
    """Judges an answer while it arrives.

    Args:
        expect: beginnings, one of which is enough; bytes as text in Latin-1.
        pattern: a regular expression that is enough too; empty for none.

    Attributes:
        longest: bytes after which nothing more can match.
    """

    def __init__(self, expect: Sequence[str], pattern: str = "") -> None:
        self._expected = tuple(text.encode("latin-1") for text in expect)
        self._pattern = re.compile(pattern.encode("latin-1"), re.DOTALL) if pattern else None
        self.longest = _LONGEST if pattern else max((len(each) for each in self._expected), default=0)

    def is_met(self, answer: bytes) -> bool:
        """Return whether what has arrived is as it should be."""
        if answer.startswith(self._expected):
            return True
        return self._pattern is not None and self._pattern.search(answer) is not None
