"""Checks that run side by side: each runs once, from both ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from addonkit.testing.conformance.parallel import Queue, run_side_by_side
from addonkit.testing.conformance.report import Check

TESTS = """
import os
import pytest

@pytest.fixture(scope="class")
def shared():
    yield os.getpid()

class TestMany:
    @pytest.mark.parametrize("number", range(12))
    def test_it_is_run(self, shared, number):
        assert number != 7
"""


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    (tmp_path / "queue").touch()
    return Queue(tmp_path / "queue")


def test_each_number_is_given_once_from_both_ends(queue: Queue) -> None:
    taken = [queue.take(5, last=last) for last in (False, True, True, False, True, False, True)]

    assert taken == [0, 4, 3, 1, 2, None, None]


def test_no_number_is_given_after_the_end(queue: Queue) -> None:
    queue.take(5, last=False)
    queue.end()

    assert queue.take(5, last=True) is None


def run(folder: Path, text: str, *, jobs: int) -> list[Check]:
    tests = folder / "test_many.py"
    tests.write_text(text)
    options = ["-c", os.devnull, "--rootdir", str(folder), "-p", "no:cacheprovider", "-p", "no:terminal"]
    options += ["-p", "no:asyncio", str(tests)]
    return run_side_by_side(options, jobs, lambda _: None, lambda _: None)


@pytest.mark.parametrize("jobs", [1, 3])
def test_all_checks_are_run_and_told_in_order(tmp_path: Path, jobs: int) -> None:
    checks = run(tmp_path, TESTS, jobs=jobs)

    assert [each.case for each in checks] == [str(number) for number in range(12)]
    assert [each.case for each in checks if not each.passed] == ["7"]


def test_a_run_in_which_pytest_fails_tells_so(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("def pytest_configure(config):\n    raise RuntimeError('broken')\n")

    (check,) = run(tmp_path, TESTS, jobs=2)

    assert not check.passed
    assert "pytest itself fails" in check.message
