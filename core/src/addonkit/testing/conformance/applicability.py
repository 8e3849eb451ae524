"""Checks that need not hold: an addon says so, with a reason that its users read, or its client cannot show it."""

from __future__ import annotations

from typing import Final, NoReturn

import attrs
import pytest

_NOT_APPLICABLE: Final = "not applicable: "
_NOT_TRIED: Final = "not tried: "


@attrs.frozen
class LeftOut:
    """The reason why a check proves nothing about an addon or a variant of it; one of the two.

    Attributes:
        not_applicable: the reason, where it has nothing to prove.
        not_tried: what the author's client lacks.
    """

    not_applicable: str = ""
    not_tried: str = ""


def not_applicable(reason: str) -> NoReturn:
    """End a check that has nothing to prove about this addon or variant."""
    raise pytest.skip.Exception(_NOT_APPLICABLE + reason)


def not_tried(method: str) -> NoReturn:
    """End a check that the author's client is not written for."""
    raise pytest.skip.Exception(f"{_NOT_TRIED}ConformanceClient.{method} is not written")


def read_reason(text: str) -> LeftOut:
    """Return what pytest tells of a skipped check; empty when an addon or its client skipped it."""
    reason = text.removeprefix("Skipped: ")
    if reason.startswith(_NOT_TRIED):
        return LeftOut(not_tried=reason.removeprefix(_NOT_TRIED))
    return LeftOut(reason.removeprefix(_NOT_APPLICABLE) if reason.startswith(_NOT_APPLICABLE) else "")
