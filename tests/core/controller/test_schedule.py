"""When a schedule asks for a backup, and when it has waited for too long."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
import pytest

from addonkit import InvalidInput
from addonkit.controller.backups.schedule import (
    GRACE,
    check_cron,
    last_time,
    next_look,
    next_time,
    overdue_at,
    retry_time,
    slot_to_do,
)
from addonkit.models.backup_state import BackupState

NIGHTLY = "0 3 * * *"


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, second).astimezone()


@pytest.mark.parametrize("text", ["", "3", "0 3 * *", "61 * * * *", "0 3 30 2 *", "@daily", "0 3 * * * ; rm"])
def test_what_is_no_time_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no cron expression"):
        check_cron(text)


def test_the_times_around_a_time() -> None:
    assert last_time(NIGHTLY, at(10, 3)) == at(10, 3)
    assert last_time(NIGHTLY, at(10, 2, 59, 59)) == at(9, 3)
    assert last_time(NIGHTLY, at(10, 3, 0, 30)) == at(10, 3)
    assert next_time(NIGHTLY, at(10, 3)) == at(11, 3)


def test_a_time_that_was_missed_is_made_up_once() -> None:
    state = BackupState("a", NIGHTLY, since=at(10, 12))
    assert slot_to_do(state, at(10, 13)) is None, "it was set after the time of today"
    assert slot_to_do(state, at(11, 3)) == at(11, 3)
    assert slot_to_do(state, at(15, 1)) == at(14, 3), "the last of four"
    done = attrs.evolve(state, done=at(14, 3))
    assert slot_to_do(done, at(15, 1)) is None
    assert next_look(done, at(15, 1)) == at(15, 3)
    failed = attrs.evolve(state, failures=1, retry_at=at(11, 3, 1))
    assert slot_to_do(failed, at(11, 3)) is None
    assert slot_to_do(failed, at(11, 3, 1)) == at(11, 3)
    assert slot_to_do(BackupState("a"), at(15, 1)) is None


def test_it_is_overdue_an_hour_after_the_time_of_the_next_one() -> None:
    state = BackupState("a", NIGHTLY, since=at(10, 12), verified=at(9, 3))
    assert overdue_at(state) == at(11, 3) + GRACE
    assert overdue_at(attrs.evolve(state, verified=at(12, 3, 1))) == at(13, 3) + GRACE
    assert overdue_at(BackupState("a", verified=at(9, 3))) is None
    late = attrs.evolve(state, overdue_at=overdue_at(state))
    assert late.troubles(at(11, 3), "shop") == ()
    assert "its last verified backup is from 2026-11-09 03:00" in late.troubles(at(11, 4), "shop")[0]


def test_failures_are_tried_again_later_each_time() -> None:
    now = at(10, 3)
    waits = [retry_time(failures, now) - now for failures in (1, 2, 3, 50)]
    assert waits == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4), timedelta(hours=1)]
