"""Tests of an addon's own, for what a kit for all addons cannot know."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mutation.mutants import Mutant
from mutation.subjects import ROOT

_TESTS: Final = Path(__file__).with_name("own_tests.txt")
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_LIMIT: Final = 1800.0
_PYTEST: Final = (sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")


def own_failure(mutant: Mutant, environ: Mapping[str, str]) -> str:
    """Return the first test of the addon's own that fails for a mutant; empty when all pass, or there is none.

    A test that fails for the unbroken addon too, as on a machine that is too busy, tells nothing.
    """
    tests = _tests()
    places = (mutant.place, f"{mutant.subject.name} {mutant.module.stem}", mutant.subject.name)
    chosen = next((tests[place] for place in places if place in tests), None)
    failed = _first_failure(chosen, environ) if chosen else ""
    return failed if failed and not _first_failure([failed], mutant.subject.environ()) else ""


def _first_failure(tests: Sequence[str], environ: Mapping[str, str]) -> str:
    command = [*_PYTEST, *tests]
    try:
        ended = subprocess.run(
            command, cwd=ROOT, env=dict(environ), capture_output=True, text=True, check=False, timeout=_LIMIT
        )
    except subprocess.TimeoutExpired:
        return tests[0]
    found = _FAILED.search(ended.stdout)
    return found[1] if found else ""


def _tests() -> dict[str, list[str]]:
    lines = (line for line in _TESTS.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    parts = (line.partition(": ") for line in lines)
    return {place: words.split() for place, _, words in parts}
