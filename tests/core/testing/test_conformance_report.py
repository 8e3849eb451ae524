"""What a run of the conformance kit leaves for people and programs."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from addonkit.testing.conformance import report
from addonkit.testing.conformance.report import Check, Collector
from addonkit.testing.conformance.secret_tracker import remember, shown_in, without_secrets

PASSWORD = "p@ss/word of nobody: 0123456789"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("addonkit.testing.conformance.secret_tracker._seen", set())
    remember([PASSWORD])
    return PASSWORD


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_secret_is_recognised_however_it_is_written(secret: str, before: str) -> None:
    basic = base64.b64encode(f"{before}{secret}:end".encode()).decode()

    for text in (secret, quote(secret, safe=""), basic):
        assert shown_in(f"it says {text}")
        assert not shown_in(without_secrets(f"it says {text}"))
    assert not shown_in("it says nothing")


def test_a_report_can_be_read_whatever_a_server_said(tmp_path: Path) -> None:
    checks = [Check("it works", "small"), Check("it fails", "small", message="\x1b[31mred\x00\n  what to do: look")]

    written, junit = report.write(checks, "nowhere", tmp_path)

    assert json.loads(written.read_text())["checks"][1]["message"] == checks[1].message
    failure = ET.parse(junit).getroot().find("testcase[2]/failure")
    assert failure is not None
    assert failure.get("message") == "?[31mred?"


def test_a_report_replaces_a_symlink_and_leaves_what_it_leads_to(tmp_path: Path) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "reports"
    folder.mkdir()
    victim.write_text("mine")
    for name in ("conformance.json", "conformance.xml"):
        (folder / name).symlink_to(victim)

    written = report.write([Check("it works", passed=True)], "nowhere", folder)

    assert victim.read_text() == "mine"
    assert not any(path.is_symlink() for path in written)


@pytest.mark.parametrize(
    ("check", "whole", "grade"),
    [
        (Check("a", passed=True), True, "full"),
        (Check("a", passed=True, not_applicable="it has none"), True, "full"),
        (Check("a", passed=True, not_tried="the client lacks it"), True, "passed"),
        (Check("a", passed=True), False, "partial"),
        (Check("a"), True, "failed"),
    ],
)
def test_a_run_has_a_grade(check: Check, whole: bool, grade: str) -> None:
    assert report.document([check], "nowhere", whole=whole)["grade"] == grade


def outcome(pytester: pytest.Pytester, body: str) -> Check:
    told: list[Check] = []
    path = pytester.makepyfile(f"import pytest\ndef test_one():\n    {body}\n")
    pytester.inline_run(
        "-p", "no:asyncio", str(path), plugins=[Collector(lambda check, _: told.append(check), lambda *_: None)]
    )
    (check,) = told
    return check


def test_what_is_skipped_does_not_count(pytester: pytest.Pytester) -> None:
    check = outcome(pytester, "pytest.skip('not here')")

    assert not check.passed
    assert "it was skipped" in check.message


def test_every_failure_says_what_to_do_and_shows_no_secret(pytester: pytest.Pytester) -> None:
    check = outcome(pytester, f"raise ValueError({PASSWORD!r})")

    assert not check.passed
    assert "what to do: " in check.message
    assert PASSWORD not in check.message
    assert "***" in check.message


pytest_plugins = ("pytester",)
