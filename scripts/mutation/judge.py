"""Lets the conformance kit judge a mutant: first the checks that are likely to catch it, then all that reach it.

Tests of the addon's own judge as soon as the likely checks have let it pass: they take less time than all checks.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from addonkit.testing import prefork
from mutation.mutants import Mutant
from mutation.own_tests import OwnTests
from mutation.reach import Case, Reach

_LIMIT: Final = 900.0
_FIRST: Final = 6
"""Checks of the first round."""

_LONG: Final = ("a_step_that_fails", "a_crash_at", "many_come", "names_that_look", "a_second_create", "a_killed_backup")
"""Checks of the last round: those that take long."""

_OF_EACH_VARIANT: Final = frozenset(
    {"the_server_is_what_the_variant_says", "promised_connections_are_there_and_no_more"}
)
"""Checks of what a variant's config has: in one of them it may have what the server has by itself."""

_ALWAYS: Final = Case("the_definition_is_valid")
"""What tells of an addon that cannot be loaded: no other check has a case of it then."""

_LIKELY: Final = {
    "drop a rule": ("an_app_may_do", "an_app_can_use", "credentials_open"),
    "drop SQL": ("an_app_may_do", "an_app_can_use", "another_app", "a_login_ends", "data_come_back"),
    "drop a statement": ("an_app_can_use", "another_app", "a_login_ends", "data_come_back", "rotation"),
    "swap variables": ("an_app_can_use", "variables_say"),
    "widen a pattern": ("an_app_may_do", "credentials_open", "an_app_sees_nothing"),
    "ignore config": ("the_server_is_what", "promised_connections", "the_version_counts"),
    "drop a part": ("an_app_can_use", "a_server_that_was_killed", "a_graceful_stop"),
    "drop a step": ("an_app_can_use", "another_app"),
}


@attrs.frozen
class Verdict:
    """The result of a mutant.

    Attributes:
        word: caught; own tests, when a test of the addon's own fails before all checks were tried; missed; equivalent.
        by: the check that caught it.
        says: what that said; why it is equivalent.
        seconds: that it took.
    """

    word: str
    by: str = ""
    says: str = ""
    seconds: float = 0.0


class Judge:
    """Judges the mutants of one addon; several threads may ask at once."""

    def __init__(
        self, reach: Reach[Case], default: str, folder: Path, own: OwnTests | None, *, own_first: bool = False
    ) -> None:
        """Prepare to judge.

        Args:
            reach: of the addon.
            default: its default variant, which is tried before others.
            folder: for what the kit writes.
            own: tests of the addon's own; None when the kit judges alone.
            own_first: whether they judge before the kit.
        """
        self._own = own
        self._own_first = own_first
        self._reach = reach
        self._default = default
        self._folder = folder
        self._caught: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def judge(self, mutant: Mutant) -> Verdict:
        """Run checks, and tests of the addon's own, until one fails."""
        began = time.monotonic()
        folder = self._folder / f"{threading.get_ident()}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        cases = of_two_kinds(self._reach.of_mutant(mutant), self._default)
        for judges in self._in_order(mutant, cases):
            verdict = self._own_verdict(mutant, folder) if judges is None else self._kit_verdict(mutant, judges, folder)
            if verdict:
                return attrs.evolve(verdict, seconds=round(time.monotonic() - began))
        return Verdict("missed", "", f"by {len(cases)} checks", round(time.monotonic() - began))

    def _in_order(self, mutant: Mutant, cases: Collection[Case]) -> Iterator[Sequence[Case] | None]:
        """Yield rounds of checks; None where tests of the addon's own have their turn."""
        first, *others = self._rounds(mutant, cases)
        if not cases or self._own_first:
            yield from (None, first, *others)
        else:
            yield from (first, None, *others)

    def _kit_verdict(self, mutant: Mutant, cases: Sequence[Case], folder: Path) -> Verdict | None:
        for name, case, said in _failures(mutant, cases, folder):
            with self._lock:
                self._caught[mutant.module.stem, name] += 1
            return Verdict("caught", f"{name} [{case}]" if case else name, said)
        return None

    def _own_verdict(self, mutant: Mutant, folder: Path) -> Verdict | None:
        failed = self._own.failure(mutant, _environ(mutant, folder)) if self._own else ""
        return Verdict("own tests", failed) if failed else None

    def _rounds(self, mutant: Mutant, cases: Collection[Case]) -> Iterator[Sequence[Case]]:
        likely = _LIKELY[mutant.mutation.operator]

        def rank(case: Case) -> tuple[int, int, str]:
            found = self._caught[mutant.module.stem, case.name.replace("_", " ")]
            return (-found, -int(case.name.startswith(likely)), case.name)

        long = sorted(each for each in cases if each.name.startswith(_LONG))
        short = sorted((each for each in cases if not each.name.startswith(_LONG)), key=rank)
        first = [_ALWAYS, *short[:_FIRST]]
        yield from filter(None, (first, short[_FIRST:], long if mutant.mutation.statement else ()))


def of_two_kinds(cases: Collection[Case], default: str) -> list[Case]:
    """Keep of each check one shared variant and one other, the default if there is a choice; of some all variants."""
    kept: dict[tuple[str, str, str], Case] = {}
    for each in sorted(cases, key=lambda case: (case.case.partition("-")[0] != default, case)):
        variant, _, rest = each.case.partition("-")
        kind = "shared" if variant in {"shared", "prefix"} else ""
        kept.setdefault((each.name, rest, variant if each.name in _OF_EACH_VARIANT else kind), each)
    return list(kept.values())


def _environ(mutant: Mutant, folder: Path) -> dict[str, str]:
    """Write the source of a mutant; the environment in which it is in place."""
    source = folder / "mutant.py"
    source.write_text(mutant.mutation.source, encoding="utf-8")
    return {**mutant.subject.environ(), "MUTANT_MODULE": mutant.import_name, "MUTANT_SOURCE": str(source)}


def _failures(mutant: Mutant, cases: Sequence[Case], folder: Path) -> Iterator[tuple[str, str, str]]:
    chosen = " or ".join(each.words for each in cases)
    report = folder / "conformance.json"
    report.unlink(missing_ok=True)
    words = ["conformance", mutant.subject.name, "-x", "-j", "1", "-k", chosen]
    status, _, said = prefork.run(words, _environ(mutant, folder), "", _LIMIT, folder)
    if not report.exists():
        yield "the kit", "", f"ends with status {status}: {said.strip()[-200:]}"
        return
    for check in json.loads(report.read_text())["checks"]:
        if not check["passed"]:
            yield check["name"], check["case"], check["message"].partition("\n")[0][:150]
