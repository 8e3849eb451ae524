"""Lines of logs are told apart by the times that servers write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from addonkit.cli.log_times import line_time, lines_since, since_time
from addonkit.errors import InvalidInput

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)

LOG = [
    "2026-11-27 11:00:00.123 UTC [18693] LOG:  checkpoint complete",
    "2026-11-27 11:30:00.123 UTC [18693] ERROR:  relation does not exist",
    "\tSTATEMENT:  SELECT 1",
    "2026-11-27 11:45:00.123 UTC [18693] LOG:  done",
]


def test_lines_without_a_time_go_with_the_one_before() -> None:
    assert lines_since(LOG, NOW - timedelta(minutes=40)) == LOG[1:]
    assert lines_since(LOG, NOW - timedelta(minutes=15)) == LOG[3:]
    assert lines_since(LOG, NOW) == []


def test_servers_write_times_in_their_own_ways() -> None:
    assert line_time(LOG[0]) == datetime(2026, 11, 27, 11, tzinfo=UTC)
    local = datetime(2026, 11, 27, 11).astimezone(UTC)
    assert line_time("1234:M 27 Nov 2026 11:00:00.123 * Ready to accept connections") == local
    assert line_time("2026-11-27T11:00:00+02:00 up") == datetime(2026, 11, 27, 9, tzinfo=UTC)
    assert line_time("no time 2026-99-99 11:00:00") is None


def test_a_time_is_told_in_two_ways() -> None:
    assert since_time("90m", NOW) == NOW - timedelta(minutes=90)
    assert since_time("2026-11-27T10:00+00:00", NOW) == datetime(2026, 11, 27, 10, tzinfo=UTC)
    with pytest.raises(InvalidInput, match="use 10m"):
        since_time("yesterday", NOW)
