"""Reports a run of the kit to people and programs: text, `conformance.json`, JUnit XML; no secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import attrs
import pytest

from addonkit._version import __version__
from addonkit.errors import AddonkitError
from addonkit.registry.grades import REPORT, Grade
from addonkit.testing.conformance.addon_under_test import AddonUnderTest
from addonkit.testing.conformance.applicability import LeftOut, read_reason
from addonkit.testing.conformance.assertions import WHAT_TO_DO
from addonkit.testing.conformance.rig import SERVER
from addonkit.testing.conformance.secret_tracker import without_secrets
from addonkit.util.files import replace_open

_CHECK = re.compile(r"test_(?P<name>\w+)(?:\[(?P<case>.*)\])?$")

KIT: Final = 6
"""Version of the kit: it rises with each check that is new, or asks for more."""

PROCESS_BACKEND: Final = "process"
"""The backend that checks use."""

_SLOW: Final = 5.0
"""Seconds in one method of the client that are worth a word."""

_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold; a server's log may have some."""


@attrs.frozen
class Check:
    """One check, as it ended.

    Attributes:
        name: what is promised, in words.
        case: variant, step or point of a crash; empty without one.
        passed: whether it held, or need not.
        seconds: how long it took.
        message: what was found and what to do; empty when it held.
        not_applicable: why it has nothing to prove about this addon or variant; empty otherwise.
        not_tried: what the author's client lacks for it; empty otherwise.
        slow: seconds by methods of the author's client, where they are many.
        server: version of the server that it was tried on; empty when it does not tell.
    """

    name: str
    case: str = ""
    passed: bool = False
    seconds: float = 0.0
    message: str = ""
    not_applicable: str = ""
    not_tried: str = ""
    slow: Mapping[str, float] = attrs.field(factory=dict)
    server: str = ""

    @property
    def outcome(self) -> str:
        """In a word."""
        if self.not_applicable or self.not_tried:
            return "n/a" if self.not_applicable else "untried"
        return "ok" if self.passed else "FAILED"

    @property
    def reason(self) -> str:
        """Return why it proves nothing; empty when it was tried."""
        return self.not_applicable or self.not_tried


class Collector:
    """A pytest plugin that tells what each check came to."""

    def __init__(self, tell: Callable[[Check, int], object], begin: Callable[[str, int], object]) -> None:
        """Receive what comes of each check.

        Args:
            tell: takes a check that has ended, and its number.
            begin: takes the name of a check that begins, and how many there are.
        """
        self._tell = tell
        self._begin = begin
        self._numbers: dict[str, int] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the checks."""
        self._numbers = {item.nodeid: number for number, item in enumerate(session.items)}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Tell which check begins."""
        name, case = _named(nodeid)
        self._begin(f"{name}{f' [{case}]' if case else ''}", len(self._numbers))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the outcome of a check, and of a set-up or clean-up that failed. What is skipped proves nothing."""
        if report.when != "call" and report.passed:
            return
        name, case = _named(report.nodeid)
        left_out = _left_out(report)
        passed = report.passed or left_out != LeftOut()
        message = "" if passed else without_secrets(_message(report))
        spent = ((name, value) for name, value in report.user_properties if isinstance(value, float))
        slow = {name: round(value, 1) for name, value in spent if value > _SLOW}
        self._tell(
            Check(
                name,
                case,
                passed,
                round(report.duration, 3),
                message,
                left_out.not_applicable,
                left_out.not_tried,
                slow,
                str(dict(report.user_properties).get(SERVER, "")),
            ),
            self._numbers.get(report.nodeid, -1),
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what could not even begin."""
        if report.failed:
            self._tell(Check("the addon can be tested", message=without_secrets(_told(report.longreprtext))), -1)


def _named(nodeid: str) -> tuple[str, str]:
    """Return what a check promises, in words, and its case."""
    found = _CHECK.search(nodeid)
    return (found["name"].replace("_", " "), found["case"] or "") if found else (nodeid, "")


def as_line(check: Check) -> str:
    """Return one check, as it ended."""
    slow = ", ".join(f"{seconds:.1f} s of it in {method}" for method, seconds in check.slow.items())
    took = f"{check.seconds:.1f} s{f', {slow}' if slow else ''}"
    return f"{check.outcome:7} {check.name}{f' [{check.case}]' if check.case else ''}  {check.reason or took}"


def as_text(checks: list[Check]) -> str:
    """Return a line for each kind of check, and what to do about those that failed."""
    lines = []
    for name in dict.fromkeys(check.name for check in checks):
        cases = [check for check in checks if check.name == name]
        failed = [check for check in cases if not check.passed]
        left_out = [check for check in cases if check.reason]
        word = "FAILED" if failed else (left_out[0].outcome if len(left_out) == len(cases) else "ok")
        lines.append(f"{word:7} {name}{f' ({len(cases)} cases)' if len(cases) > 1 else ''}")
        lines += [f"        {_of_case(check)}{check.reason}" for check in left_out]
        for check in failed:
            lines += [f"        {line}" for line in (check.case, *check.message.splitlines()) if line]
    return "\n".join(lines)


def write(checks: list[Check], addon: str, folder: Path, *, whole: bool = True) -> tuple[Path, Path]:
    """Write `conformance.json` and `conformance.xml`; files of these names are replaced, symlinks too.

    Args:
        checks: as they ended.
        addon: its name.
        folder: where the files go.
        whole: whether all checks were to run.
    """
    report, junit = folder / REPORT, folder / "conformance.xml"
    replace_open(report, (json.dumps(document(checks, addon, whole=whole), indent=1) + "\n").encode())
    replace_open(junit, ET.tostring(_junit(checks, addon), encoding="utf-8", xml_declaration=True))
    return report, junit


def document(checks: list[Check], addon: str, *, whole: bool = True) -> dict[str, Any]:
    """Return the whole run, for programs."""
    return {
        "addon": addon,
        "addonkit": __version__,
        "kit": KIT,
        "backend": PROCESS_BACKEND,
        "servers": _servers(checks),
        **_about(addon),
        "passed": all(check.passed for check in checks),
        "grade": _grade(checks, whole=whole),
        "checks": [attrs.asdict(check, filter=_is_told) for check in checks],
    }


def _is_told(field: attrs.Attribute[Any], value: object) -> bool:
    """Return whether a field is written: what most checks have nothing for is left out."""
    return bool(value) or field.name not in {"not_applicable", "not_tried", "slow", "server"}


def _servers(checks: list[Check]) -> list[str]:
    """Return versions of servers; of `18` and `18.1` the one that says more."""
    found = {check.server for check in checks if check.server}
    return sorted(one for one in found if not any(other.startswith(f"{one}.") for other in found))


def _grade(checks: list[Check], *, whole: bool) -> Grade:
    """Return what a run is worth."""
    if not all(check.passed for check in checks):
        return Grade.FAILED
    if not whole:
        return Grade.PARTIAL
    return Grade.PASSED if any(check.not_tried for check in checks) else Grade.FULL


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
    skipped = sum(bool(check.reason) for check in checks)
    numbers = {
        "tests": str(len(checks)),
        "failures": str(failed),
        "skipped": str(skipped),
        "time": f"{seconds:.3f}",
    }
    suite = ET.Element("testsuite", {"name": f"conformance {addon}", **numbers})
    for check in checks:
        name = f"{check.name} [{check.case}]" if check.case else check.name
        case = ET.SubElement(suite, "testcase", {"name": name, "classname": addon, "time": str(check.seconds)})
        if check.reason:
            ET.SubElement(case, "skipped", {"message": _NOT_IN_XML.sub("?", check.reason)})
        if not check.passed:
            text = _NOT_IN_XML.sub("?", check.message)
            ET.SubElement(case, "failure", {"message": text.partition("\n")[0]}).text = text
    return suite


def _of_case(check: Check) -> str:
    return f"{check.case}: " if check.case else ""


def _left_out(report: pytest.TestReport) -> LeftOut:
    told = report.longrepr
    return read_reason(without_secrets(told[2])) if report.skipped and isinstance(told, tuple) else LeftOut()


def _message(report: pytest.TestReport) -> str:
    if report.skipped:
        return f"it was skipped\n  {WHAT_TO_DO}let it run: a check that is skipped proves nothing"
    crash = getattr(report.longrepr, "reprcrash", None)
    return _told((str(crash.message) if crash is not None else report.longreprtext).removeprefix("Failed: "))


def _told(text: str) -> str:
    """Return the text with advice, when it has none."""
    if WHAT_TO_DO in text:
        return text
    return f"{text}\n  {WHAT_TO_DO}fix what is named; when it is neither the addon's nor its client's, tell addonkit"
