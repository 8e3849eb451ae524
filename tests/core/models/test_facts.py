"""What is missing or otherwise in another place, as far as it is used."""

from __future__ import annotations

from addonkit import Fact, Facts

HERE = Facts((Fact("extension a", "1"), Fact("extension b", "1"), Fact("extension c", "1", used=False)))


def test_only_what_is_used_is_missing_or_different() -> None:
    there = Facts((Fact("extension a", "2", used=False), Fact("extension d", "1", used=False)))

    assert HERE.missing(there) == ("extension b",)
    assert HERE.differences(there) == ("extension a would be 2 instead of 1",)
    assert HERE.missing(HERE) == HERE.differences(HERE) == ()
