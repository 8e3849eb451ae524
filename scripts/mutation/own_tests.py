"""Tests of an addon's own, for what a kit for all addons cannot know."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from mutation.mutants import Mutant
from mutation.notes import Notes
from mutation.reach import Reach
from mutation.subjects import ROOT, Subject

_TESTS: Final = Path(__file__).with_name("own_tests.txt")
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_TOOK: Final = re.compile(r"^(\d+\.\d+)s (?:setup|call|teardown) +(\S.*)$", re.MULTILINE)
_PHASE: Final = re.compile(r" \((?:setup|call|teardown)\)$")
_LIMIT: Final = 1800.0
_AT_MOST: Final = 60.0
"""Seconds that the tests of one mutant take with the unbroken addon: the shortest are tried, up to so long."""

_PYTEST: Final = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--timeout=90")


@attrs.frozen
class Session:
    """Tests that are noted together: those of one file."""

    file: str
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of its notes."""
        return "-".join(re.sub(r"\W+", "-", each) for each in (self.file.removesuffix(".py"), *self.options))


class OwnTests:
    """The tests of an addon's own; several threads may ask at once.

    Each file runs once with the unbroken addon. Then only the tests of it that run what a mutant changes judge it.
    """

    def __init__(self, subject: Subject, folder: Path, *, again: bool = False) -> None:
        """Prepare to judge.

        Args:
            subject: the addon.
            folder: keeps the notes.
            again: whether to take notes also where there are some.
        """
        self._subject = subject
        self._folder = folder / f"own-{subject.name}"
        self._again = again
        self._known: dict[Session, tuple[Reach[str], dict[str, float]]] = {}
        self._lock = threading.Lock()

    def failure(self, mutant: Mutant, environ: Mapping[str, str]) -> str:
        """Return the first test that fails for a mutant; empty when all pass, or none runs what is changed.

        A test that fails for the unbroken addon too, as on a machine that is too busy, tells nothing.
        """
        chosen = self._chosen(mutant)
        failed = _first_failure(chosen, environ) if chosen else ""
        return failed if failed and not _first_failure([failed], mutant.subject.environ()) else ""

    def _chosen(self, mutant: Mutant) -> list[str]:
        """Return the tests that run what is changed, the shortest first."""
        seconds: dict[str, float] = {}
        for session in sessions(mutant):
            with self._lock:
                reach, took = self._notes(session)
            seconds |= {test: took[test] for test in reach.of_mutant(mutant) if test in took}
        return list(_within(seconds, _AT_MOST))

    def _notes(self, session: Session) -> tuple[Reach[str], dict[str, float]]:
        if session not in self._known:
            self._folder.mkdir(exist_ok=True)
            notes = Notes(self._folder / f"{session.name}.txt", (ROOT / session.file).read_text(encoding="utf-8"))
            if self._again or not notes.fit(self._subject):
                notes.take(self._subject, lambda environ: _seconds(session, environ))
            found = ((_PHASE.sub("", test), module, line) for test, module, line in notes.read(self._subject))
            self._known[session] = Reach.noted(found), notes.seconds()
        return self._known[session]


def _within(seconds: Mapping[str, float], most: float) -> Iterator[str]:
    for test in sorted(seconds, key=lambda each: (seconds[each], each)):
        most -= seconds[test]
        if most < 0:
            return
        yield test


def sessions(mutant: Mutant) -> list[Session]:
    """Return the files of tests that may judge a mutant, as the list names them."""
    places = (mutant.place, f"{mutant.subject.name} {mutant.module.stem}", mutant.subject.name)
    listed = _tests()
    words = next((listed[place] for place in places if place in listed), [])
    at = next((number for number, word in enumerate(words) if word.startswith("-")), len(words))
    return [Session(file, tuple(words[at:])) for word in words[:at] for file in _files(word)]


def _files(word: str) -> list[str]:
    place = ROOT / word
    return sorted(str(path.relative_to(ROOT)) for path in place.glob("test_*.py")) if place.is_dir() else [word]


def _seconds(session: Session, environ: Mapping[str, str]) -> dict[str, float]:
    """Run the tests of a session; return how long those took that passed."""
    said = _run([session.file, *session.options, "--durations=0", "--durations-min=0"], environ)
    failed = set(_FAILED.findall(said))
    seconds: dict[str, float] = {}
    for took, test in _TOOK.findall(said):
        seconds[test] = seconds.get(test, 0.0) + float(took)
    return {test: took for test, took in seconds.items() if test not in failed}


def _first_failure(tests: Sequence[str], environ: Mapping[str, str]) -> str:
    try:
        found = _FAILED.search(_run(["-x", *tests], environ))
    except subprocess.TimeoutExpired:
        return tests[0]
    return found[1] if found else ""


def _run(words: Sequence[str], environ: Mapping[str, str]) -> str:
    command = [*_PYTEST, *words]
    return subprocess.run(
        command, cwd=ROOT, env=dict(environ), capture_output=True, text=True, check=False, timeout=_LIMIT
    ).stdout


def _tests() -> dict[str, list[str]]:
    lines = (line for line in _TESTS.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    parts = (line.partition(": ") for line in lines)
    return {place: shlex.split(words) for place, _, words in parts}
