"""Text from elsewhere, made fit to show."""

from __future__ import annotations

from typing import Final

LONGEST_NAME: Final = 100
"""Characters of a foreign name that are shown."""


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
