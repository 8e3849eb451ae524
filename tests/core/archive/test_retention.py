"""Which backups stay: one for each of so many periods, always the newest verified one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit import InvalidInput
from addonkit.archive.retention import parse_keep, superfluous
from addonkit.models.backup import Backup, Proof

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def made(hours: float, *, verified: bool = True) -> Backup:
    at = START + timedelta(hours=hours)
    return Backup(f"shop/{hours:09.2f}", "kv", at, 1, "", Proof(at, "") if verified else None)


@pytest.mark.parametrize("text", ["", "7", "d7", "7d4", "0d", "7d7d", "7x", " 7d", "7d 4w"])
def test_what_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="as 7d4w12m"):
        parse_keep(text)


def test_days_weeks_and_months_keep_one_each() -> None:
    every_day = [made(24 * day) for day in range(400)]
    stays = {*every_day} - {*superfluous(every_day, parse_keep("7d4w12m"))}
    assert {*every_day[-7:]} <= stays
    months = {(each.created.year, each.created.month) for each in stays}
    assert len(months) == 12
    assert len(stays) <= 7 + 4 + 12
    again = sorted(stays, key=lambda each: each.created)
    assert superfluous(again, parse_keep("7d4w12m")) == (), "pruning twice is pruning once"


def test_a_verified_one_stands_for_its_period_and_a_newer_one_on_trust_stays() -> None:
    morning, noon, later = made(-4), made(0, verified=False), made(24, verified=False)
    assert superfluous([morning, noon, later], parse_keep("7d")) == ()
    assert superfluous([morning, noon, made(48), later], parse_keep("7d")) == (noon,)
    assert superfluous([noon, later], parse_keep("1d")) == (), "nothing is verified, so nothing is superfluous"


@given(
    st.lists(st.tuples(st.integers(0, 24 * 800), st.booleans()), unique_by=lambda each: each[0]),
    st.sampled_from(["1h", "1d", "3d", "2d1w", "7d4w12m", "1y"]),
)
def test_the_newest_verified_one_and_what_is_newer_always_stay(found: list[tuple[int, bool]], keep: str) -> None:
    backups = [made(hours, verified=verified) for hours, verified in found]
    gone = superfluous(backups, parse_keep(keep))
    verified = [each for each in backups if each.proof]
    if not verified:
        assert gone == ()
        return
    newest = max(verified, key=lambda each: each.created)
    assert all(each.created < newest.created for each in gone)
    left = [each for each in backups if each not in gone]
    assert superfluous(left, parse_keep(keep)) == ()
