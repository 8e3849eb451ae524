"""Logs are read while somebody writes them."""

from __future__ import annotations

import pytest

from addonkit.errors import NotFound
from addonkit.util.log_tail import LogTail


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo\nthree \xff\n")
    return path


@pytest.mark.parametrize(("count", "lines"), [(0, []), (1, ["three \ufffd"]), (9, ["one", "two", "three \ufffd"])])
def test_the_last_lines(log, count, lines):
    assert LogTail(str(log)).last(count) == lines


def test_more_is_what_was_written_since_in_whole_lines(log):
    reader = LogTail(str(log))
    reader.last(0)
    assert reader.more() == []
    with log.open("ab") as file:
        file.write(b"four\nfi")
    assert reader.more() == ["four"]
    with log.open("ab") as file:
        file.write(b"ve\n")
    assert reader.more() == ["five"]


def test_a_log_that_was_emptied_is_read_from_its_start(log):
    reader = LogTail(str(log))
    reader.last(5)
    log.write_bytes(b"new\n")
    assert reader.more() == ["new"]


def test_a_log_that_went_away_has_no_more(log):
    reader = LogTail(str(log))
    reader.last(5)
    log.unlink()
    assert reader.more() == []


def test_a_log_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NotFound, match="there is none yet"):
        LogTail(str(tmp_path / "none")).last(5)
    with pytest.raises(NotFound, match="Is a directory"):
        LogTail(str(tmp_path)).last(5)
