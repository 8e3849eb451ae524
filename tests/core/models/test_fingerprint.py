"""Fingerprints: what differs, and what need not be there any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from addonkit import Fingerprint, Part

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_parts_that_expire_are_compared_until_then_on_either_side() -> None:
    kept, short = Part("kept", 1, "a"), Part("short", 1, "b", until=NOW)
    with_it, without = Fingerprint((kept, short)), Fingerprint((kept,))
    before = NOW - timedelta(seconds=1)

    assert with_it.differences(without, before) == ("short is missing",)
    assert without.differences(with_it, before) == ("short is not in the original",)
    assert with_it.differences(without, NOW) == without.differences(with_it, NOW) == ()
    assert without.differences(with_it) == ("short is not in the original",)
