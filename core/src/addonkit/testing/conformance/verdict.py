"""How a check fails: with what was found and what to do about it."""

from __future__ import annotations

from typing import NoReturn

import pytest


def require(condition: object, found: str, advice: str) -> None:
    """Fail the test unless the condition holds."""
    if not condition:
        fail(found, advice)


def fail(found: str, advice: str) -> NoReturn:
    """Fail the test."""
    # Nothing but the message: a trace would tell of the kit, and could show what a variable holds.
    raise pytest.fail.Exception(f"{found}\n  what to do: {advice}", pytrace=False) from None
