"""When a registry is asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.images.retries import backoff, passes, retry_after

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Tue, 01 Jan 2030 00:01:00 GMT", 60.0),
        ("Tue, 01 Jan 2030 01:01:00 +0100", 60.0),
        ("Tue, 01 Jan 2030 00:01:00 -0000", 60.0),
        ("Mon, 31 Dec 2029 23:59:00 GMT", 0.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("Tue, 99 Jan 2030 00:01:00 GMT", None),
    ],
)
def test_a_header_asks_for_this_wait(value, seconds):
    assert retry_after(value, NOW) == seconds


@given(st.integers(0, 10**6))
def test_seconds_and_the_date_then_are_the_same(seconds):
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert retry_after(date, NOW) == retry_after(str(seconds), NOW) == seconds


@given(st.text())
def test_any_header_is_read_without_a_fault(value):
    seconds = retry_after(value, NOW)
    assert seconds is None or seconds >= 0


def test_waits_double_up_to_eight_seconds():
    assert [backoff(attempt) for attempt in range(1, 8)] == [0.5, 1, 2, 4, 8, 8, 8]
    assert backoff(10**6) == 8


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_these_answers_pass(status):
    assert passes(status)


@pytest.mark.parametrize("status", [200, 307, 400, 401, 403, 404, 405, 501])
def test_these_answers_stay(status):
    assert not passes(status)
