"""What a run of the kit leaves behind for people and programs: text, `conformance.json`, JUnit XML; no secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import attrs
import pytest

from addonkit._version import __version__
from addonkit.errors import AddonkitError
from addonkit.testing.conformance.addon_under_test import AddonUnderTest
from addonkit.testing.conformance.assertions import WHAT_TO_DO
from addonkit.testing.conformance.secret_tracker import without_secrets

_CHECK = re.compile(r"test_(?P<name>\w+)(?:\[(?P<case>.*)\])?$")

_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold; a server's log may have some."""


@attrs.frozen
class Check:
    """One check, as it ended.

    Attributes:
        name: what is promised, in words.
        case: variant, step or point of a crash; empty without one.
        passed: whether it held.
        seconds: how long it took.
        message: what was found and what to do; empty when it held.
    """

    name: str
    case: str = ""
    passed: bool = False
    seconds: float = 0.0
    message: str = ""


class Collector:
    """A pytest plugin that keeps what each check came to."""

    def __init__(self, tell: Callable[[Check], object], begin: Callable[[str], object] = lambda _: None) -> None:
        self.checks: list[Check] = []
        self._tell = tell
        self._begin = begin
        self._begun = 0
        self._total = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the checks."""
        self._total = len(session.items)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Tell which check begins."""
        self._begun += 1
        name, case = _named(nodeid)
        self._begin(f"{self._begun}/{self._total}  {name}{f' [{case}]' if case else ''} ...")

    def _keep(self, check: Check) -> None:
        self.checks.append(check)
        self._tell(check)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the outcome of a check, and of a set-up or clean-up that failed. What is skipped proves nothing."""
        if report.when != "call" and report.passed:
            return
        name, case = _named(report.nodeid)
        message = "" if report.passed else without_secrets(_message(report))
        self._keep(Check(name, case, report.passed, round(report.duration, 3), message))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what could not even begin."""
        if report.failed:
            self._keep(Check("the addon can be tested", message=without_secrets(_told(report.longreprtext))))


def _named(nodeid: str) -> tuple[str, str]:
    """Return what a check promises, in words, and its case."""
    found = _CHECK.search(nodeid)
    return (found["name"].replace("_", " "), found["case"] or "") if found else (nodeid, "")


def as_line(check: Check) -> str:
    """One check, as it ended."""
    return f"{_word(check.passed)}  {check.name}{f' [{check.case}]' if check.case else ''}  {check.seconds:.1f} s"


def as_text(checks: list[Check]) -> str:
    """A line for each kind of check, and what to do about those that failed."""
    lines = []
    for name in dict.fromkeys(check.name for check in checks):
        cases = [check for check in checks if check.name == name]
        failed = [check for check in cases if not check.passed]
        lines.append(f"{_word(not failed)}  {name}{f' ({len(cases)} cases)' if len(cases) > 1 else ''}")
        for check in failed:
            lines += [f"        {line}" for line in (check.case, *check.message.splitlines()) if line]
    return "\n".join(lines)


def write(checks: list[Check], addon: str, folder: Path) -> tuple[Path, Path]:
    """Write `conformance.json` and `conformance.xml`."""
    report, junit = folder / "conformance.json", folder / "conformance.xml"
    report.write_text(json.dumps(document(checks, addon), indent=2) + "\n", encoding="utf-8")
    junit.write_bytes(ET.tostring(_junit(checks, addon), encoding="utf-8", xml_declaration=True))
    return report, junit


def document(checks: list[Check], addon: str) -> dict[str, Any]:
    """The whole run, for programs."""
    return {
        "addon": addon,
        "addonkit": __version__,
        **_about(addon),
        "passed": all(check.passed for check in checks),
        "checks": [attrs.asdict(check) for check in checks],
    }


def _about(addon: str) -> dict[str, Any]:
    try:
        under_test = AddonUnderTest.find(addon)
    except AddonkitError:
        return {}
    return {
        "distribution": under_test.addon.distribution,
        "version": under_test.addon.version,
        "variants": list(under_test.variants),
        "capabilities": sorted(under_test.addon.capabilities),
    }


def _junit(checks: list[Check], addon: str) -> ET.Element:
    failed = sum(not check.passed for check in checks)
    seconds = sum(check.seconds for check in checks)
    numbers = {"tests": str(len(checks)), "failures": str(failed), "time": f"{seconds:.3f}"}
    suite = ET.Element("testsuite", {"name": f"conformance {addon}", **numbers})
    for check in checks:
        name = f"{check.name} [{check.case}]" if check.case else check.name
        case = ET.SubElement(suite, "testcase", {"name": name, "classname": addon, "time": str(check.seconds)})
        if not check.passed:
            text = _NOT_IN_XML.sub("?", check.message)
            ET.SubElement(case, "failure", {"message": text.partition("\n")[0]}).text = text
    return suite


def _word(passed: bool) -> str:  # noqa: FBT001 - private, one argument
    return "ok    " if passed else "FAILED"


def _message(report: pytest.TestReport) -> str:
    if report.skipped:
        return f"it was skipped\n  {WHAT_TO_DO}let it run: a check that is skipped proves nothing"
    crash = getattr(report.longrepr, "reprcrash", None)
    return _told((str(crash.message) if crash is not None else report.longreprtext).removeprefix("Failed: "))


def _told(text: str) -> str:
    """The text with advice, when it has none."""
    if WHAT_TO_DO in text:
        return text
    return f"{text}\n  {WHAT_TO_DO}mend what is named; when it is neither the addon's nor its client's, tell addonkit"
