"""The grade of an addon, from the report that its distribution brings along."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from addonkit.registry.grades import Grade, find_graded

HEAD = {"grade": "full", "version": "1.2", "addonkit": "0.1", "kit": 2, "backend": "process", "servers": ["18.1"]}


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "addonkit_graded"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('it is imported')")
    monkeypatch.syspath_prepend(tmp_path)
    return package / "conformance.json"


def test_the_report_is_found_without_an_import(report: Path) -> None:
    report.write_text(json.dumps({**HEAD, "checks": []}))

    graded = find_graded("addonkit_graded.addon:ADDON")

    assert graded is not None
    assert (graded.grade, graded.version, graded.servers) == (Grade.FULL, "1.2", ("18.1",))
    assert "addonkit_graded" not in sys.modules


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({**HEAD, "grade": "best"}), "\xff"])
def test_a_report_that_cannot_be_read_is_none(report: Path, text: str) -> None:
    report.write_bytes(text.encode("latin-1"))

    assert find_graded("addonkit_graded") is None


def test_a_package_without_a_report_has_no_grade() -> None:
    assert find_graded("addonkit.no_such_module:ADDON") is None
    assert find_graded("no_such_package_at_all") is None
