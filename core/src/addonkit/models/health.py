"""The health of a running server: what it answers to a question, and what it does when it does not answer."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Answer(Enum):
    """The answer to one question in a server's own protocol."""

    READY = "ready"
    """What a server that serves answers."""

    OTHER = "other"
    """Something else, such as that it is starting, or full."""

    REFUSED = "refused"
    """Nothing listens there."""

    SILENT = "silent"
    """Nothing, in the time that it had."""


class Asked(NamedTuple):
    """One question.

    Attributes:
        answer: what came back.
        seconds: that the answer took, which is more than processors of both sides spent on it; 0 without an answer.
    """

    answer: Answer
    seconds: float = 0.0


class Health(Enum):
    """The health of a server that did not answer once."""

    READY = "ready"
    """It answers as it should."""

    OTHER = "other"
    """It answers something else, so it is alive."""

    REFUSES = "refuses"
    """It runs, and does not listen."""

    WORKS = "works"
    """It does not answer, and uses a processor or a disk, or waits for one. It is busy, or it loops."""

    HANGS = "hangs"
    """It does not answer, and does nothing else either."""
