"""The page about addons and their grades, from the reports that their distributions bring along."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from addonkit.registry.grades import REPORT

ROOT: Final = Path(__file__).parent.parent.parent
NUMBERS: Final = ROOT / "scripts" / "mutation" / "numbers.json"

_HEAD: Final = """\
# Addons and their grades

Written from the reports of the conformance kit by `scripts/write_reference.py`.

Each addon brings the report of a run along, as `conformance.json` in its package. `addonkit addons` shows the grade.
[Test your addon](../how-to/test-your-addon.md) says how a report is made.

| grade | means |
| --- | --- |
| `full` | every check that is applicable was tried, and holds |
| `passed` | every check that was tried holds; the addon's client is not written for some |
| `partial` | only some checks were to run; they hold |
| `failed` | a check does not hold |

| addon | version | grade | checks | kit | core | backend | servers | capabilities |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


_MUTANTS: Final = """
## Mutants

`make mutants EACH=0` breaks each addon in one place at a time: it drops a statement, a grant or a wait, swaps
variables, widens a pattern, ignores a config. A check of the kit must fail then. An equivalent mutant keeps every
promise; `scripts/mutation/equivalent.txt` says why. `brook` and `river` are what `addonkit new` writes.

A kit for all addons knows no data of a former release and no dump of a foreign server: tests of the addon's own do.
They also count where they fail sooner than a check. Of mutants that were not judged the share says nothing.

| addon | caught by the kit | caught by own tests | missed | equivalent | not judged | caught of the judged |
| --- | --- | --- | --- | --- | --- | --- |
"""
_OUTCOMES: Final = ("caught", "own tests", "missed", "equivalent", "not judged")


def addons_page() -> str:
    """Return the page about addons."""
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in _files()]
    rows = "\n".join(map(_row, reports))
    return _HEAD + rows + "\n" + "".join(map(_left_out, reports)) + _mutants()


def _mutants() -> str:
    """Return the table of mutants that a machine made; empty without numbers."""
    numbers = json.loads(NUMBERS.read_text(encoding="utf-8")) if NUMBERS.exists() else {}
    return _MUTANTS + "\n".join(_mutants_of(addon, found) for addon, found in numbers.items()) + "\n" if numbers else ""


def _mutants_of(addon: str, found: dict[str, int]) -> str:
    caught, own, missed = (found.get(word, 0) for word in _OUTCOMES[:3])
    judged = caught + own + missed
    share = f"{caught + own} of {judged}, {(caught + own) / judged:.0%}" if judged else "-"
    return f"| `{addon}` | {' | '.join(str(found.get(word, 0)) for word in _OUTCOMES)} | {share} |"


def _files() -> list[Path]:
    places = ("plugins/*/src/*", "examples/*/src/*")
    return sorted(path for place in places for path in ROOT.glob(f"{place}/{REPORT}"))


def _row(report: dict[str, Any]) -> str:
    cells = (
        f"`{report['addon']}`",
        report["version"],
        f"`{report['grade']}`",
        _counted(report["checks"]),
        str(report["kit"]),
        report["addonkit"],
        report["backend"],
        ", ".join(report["servers"]) or "-",
        ", ".join(report["capabilities"]) or "-",
    )
    return f"| {' | '.join(cells)} |"


def _counted(checks: list[dict[str, Any]]) -> str:
    found = Counter(_outcome(check) for check in checks)
    return ", ".join(
        f"{found[word]} {word}" for word in ("hold", "do not hold", "not applicable", "untried") if found[word]
    )


def _outcome(check: dict[str, Any]) -> str:
    if "not_applicable" in check or "not_tried" in check:
        return "not applicable" if "not_applicable" in check else "untried"
    return "hold" if check["passed"] else "do not hold"


def _left_out(report: dict[str, Any]) -> str:
    lines = list(dict.fromkeys(_reasons(report["checks"])))
    return f"\n## What was not tried of `{report['addon']}`\n\n" + "\n".join(lines) + "\n" if lines else ""


def _reasons(checks: list[dict[str, Any]]) -> Iterator[str]:
    for check in checks:
        reason = check.get("not_applicable") or check.get("not_tried")
        if reason:
            yield f"- {check['name']}{_case(check)}: {reason}"


def _case(check: dict[str, Any]) -> str:
    return f" (`{check['case']}`)" if check["case"] else ""
