"""Which checks of the conformance kit run which statements of an addon."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import attrs

from addonkit.testing import prefork
from mutation.subjects import Subject

_CRASHES: Final = "a_crash_at_any_point_is_recovered_from"
_CHECK: Final = re.compile(r"::test_(?P<name>\w+)(?:\[(?P<case>.*)\])? \(call\)$")
_LONGEST: Final = 3600.0


@attrs.frozen(order=True)
class Case:
    """A check with the variant, or the step, that it tries."""

    name: str
    case: str = ""

    @property
    def words(self) -> str:
        """What chooses it with `-k`."""
        return f"({self.name} and {self.case.replace('-', ' and ')})" if self.case else self.name


@attrs.frozen
class Reach:
    """What checks run.

    Attributes:
        cases: all checks that ran.
        by_place: those that run a statement, by its module and first line.
    """

    cases: frozenset[Case] = frozenset()
    by_place: Mapping[tuple[str, int], Collection[Case]] = attrs.field(factory=dict)

    def of(self, module: str, line: int) -> Collection[Case]:
        """Return the checks that run a statement of a function."""
        return self.by_place.get((module, line), ())


def reach_of(subject: Subject, folder: Path, *, crashes: bool = False) -> Reach:
    """Run the kit on an addon once, noting what it reaches; kept in the folder until the addon changes."""
    noted = folder / f"reach-{subject.name}-{_digest(subject)}{'-crashes' if crashes else ''}.txt"
    if not noted.exists():
        taking = noted.with_suffix(".part")
        taking.unlink(missing_ok=True)
        work = folder / f"reaching-{subject.name}"
        shutil.rmtree(work, ignore_errors=True)  # shapes of sagas that were locked before
        work.mkdir()
        environ = {**subject.environ(), "REACH_PACKAGE": subject.package.name, "REACH_FILE": str(taking)}
        words = ["conformance", subject.name, *(() if crashes else ("-k", f"not {_CRASHES}"))]
        status, _, said = prefork.run(words, environ, "", _LONGEST, work)
        if status:
            failed = "\n".join(line for line in said.splitlines() if line.lower().startswith("failed"))
            raise SystemExit(f"the unbroken addon {subject.name} does not pass the kit:\n{failed or said[-3000:]}")
        taking.rename(noted)
    return _read(noted)


def _digest(subject: Subject) -> str:
    """Name what decides: the addon, and how its client uses it."""
    sources = (path.read_bytes() for path in (*subject.modules(), *sorted(subject.package.glob("conformance*.py"))))
    return hashlib.sha256(b"\0".join(sources)).hexdigest()[:12]


def _read(noted: Path) -> Reach:
    found: dict[tuple[str, int], set[Case]] = defaultdict(set)
    for line in noted.read_text(encoding="utf-8").splitlines():
        test, module, number = line.split("\t")
        matched = _CHECK.search(test)
        if matched:
            found[module, int(number)].add(Case(matched["name"], matched["case"] or ""))
    return Reach(frozenset(case for cases in found.values() for case in cases), found)
