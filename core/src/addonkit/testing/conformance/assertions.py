"""How a check fails: with what was found and what to do about it, and without a secret."""

from __future__ import annotations

from typing import Final, NoReturn

import pytest

from addonkit.testing.conformance.secret_tracker import without_secrets

WHAT_TO_DO: Final = "what to do: "


def require(condition: object, found: str, advice: str) -> None:
    """Fail the test unless the condition holds."""
    if not condition:
        fail(found, advice)


def fail(found: str, advice: str) -> NoReturn:
    """Fail the test."""
    text = without_secrets(f"{found}\n  {WHAT_TO_DO}{advice}")
    # Nothing but the message: a trace would tell of the kit, and could show what a variable holds.
    raise pytest.fail.Exception(text, pytrace=False) from None
