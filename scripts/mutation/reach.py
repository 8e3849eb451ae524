"""Finds which checks of the conformance kit, or tests, run which statements of an addon."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final, Generic, TypeVar

import attrs

from addonkit.testing import prefork
from mutation.mutants import Mutant
from mutation.notes import Notes
from mutation.subjects import Subject
from mutation.uses import uses_of

_CRASHES: Final = "a_crash_at_any_point_is_recovered_from"
_CHECK: Final = re.compile(r"::test_(?P<name>\w+)(?:\[(?P<case>.*)\])? \(call\)$")
_LONGEST: Final = 3600.0

T = TypeVar("T")


@attrs.frozen(order=True)
class Case:
    """A check with the variant, or the step, that it tries."""

    name: str
    case: str = ""

    @property
    def words(self) -> str:
        """Return what chooses it with `-k`."""
        return f"({self.name} and {self.case.replace('-', ' and ')})" if self.case else self.name


@attrs.frozen
class Reach(Generic[T]):
    """The statements that checks, or tests, run.

    Attributes:
        cases: all checks that ran.
        by_place: those that run a statement, by its module and first line.
    """

    cases: frozenset[T] = frozenset()
    by_place: Mapping[tuple[str, int], Collection[T]] = attrs.field(factory=dict)

    @classmethod
    def noted(cls, notes: Iterable[tuple[T, str, int]]) -> Reach[T]:
        """Return what notes say: each a case, a module and a line."""
        found: dict[tuple[str, int], set[T]] = defaultdict(set)
        for case, module, line in notes:
            found[module, line].add(case)
        return cls(frozenset(case for cases in found.values() for case in cases), found)

    def of(self, module: str, line: int) -> Collection[T]:
        """Return the checks that run a statement of a function."""
        return self.by_place.get((module, line), ())

    def of_mutant(self, mutant: Mutant) -> Collection[T]:
        """Return the checks that run what is changed, or what uses the constant that is."""
        if mutant.mutation.statement:
            return self.of(mutant.import_name, mutant.mutation.statement)
        used = uses_of(mutant.mutation.place, mutant.subject.sources()) if mutant.mutation.place else None
        if used is None:
            return self.cases
        return {case for module, line in used for case in self.of(module, line)}


def reach_of(subject: Subject, folder: Path, *, crashes: bool = False, again: bool = False) -> Reach[Case]:
    """Run the kit on an addon once, noting what it reaches.

    Args:
        subject: the addon.
        folder: keeps the notes.
        crashes: whether checks that kill the addon run, too.
        again: whether to run the kit also where notes are there.
    """
    notes = Notes(folder / f"reach-{subject.name}{'-crashes' if crashes else ''}.txt")
    if again or not notes.fit(subject):
        work = folder / f"reaching-{subject.name}"
        shutil.rmtree(work, ignore_errors=True)  # shapes of sagas that were locked before
        work.mkdir()
        words = ["conformance", subject.name, *(() if crashes else ("-k", f"not {_CRASHES}"))]
        notes.take(subject, lambda environ: _run(words, environ, work))
    found = ((_CHECK.search(test), module, line) for test, module, line in notes.read(subject))
    return Reach.noted(
        (Case(check["name"], check["case"] or ""), module, line) for check, module, line in found if check
    )


def _run(words: list[str], environ: Mapping[str, str], work: Path) -> dict[str, float]:
    status, _, said = prefork.run(words, environ, "", _LONGEST, work)
    if status:
        failed = "\n".join(line for line in said.splitlines() if line.lower().startswith("failed"))
        raise SystemExit(f"the unbroken addon {words[1]} does not pass the kit:\n{failed or said[-3000:]}")
    return {}
