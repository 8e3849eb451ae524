"""Text from elsewhere, made fit to show."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

LONGEST_NAME: Final = 100
"""Characters of a foreign name that are shown."""

_TELLS: Final = re.compile(r"\b(error|fatal|panic):", re.IGNORECASE)


def printable(text: str) -> str:
    r"""Return the text with control characters as escapes such as `\x1b`, so that a terminal obeys none of them."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def short_name(text: str) -> str:
    """Return a foreign name as it may be shown: printable, and at most LONGEST_NAME characters."""
    shown = printable(text[: LONGEST_NAME + 1])
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"


def last_lines(text: str, number: int) -> str:
    """Return the last lines of a log side by side, without empty ones, each text once."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(dict.fromkeys(lines[-number:]))


def error_line(text: str) -> str:
    """Return the line of a program's messages that says what failed: the first one that says `error`, else the last.

    Programs write more after it: a hint, or the statement of a dump that failed, of many lines.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLS.search(line)]
    return telling[0] if telling else last_lines(text, 1) or "no message"


def join_words(words: Iterable[str]) -> str:
    """Return words for people: `a`, `a and b`, `a, b and c`."""
    *head, last = words
    return f"{', '.join(head)} and {last}" if head else last
