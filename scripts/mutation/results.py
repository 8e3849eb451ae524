"""Verdicts that are kept between runs, and the numbers that the reference shows."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from mutation.judge import Verdict
from mutation.mutants import Mutant

NUMBERS: Final = Path(__file__).with_name("numbers.json")
"""How many mutants of each addon were caught, missed, and equivalent."""


class Results:
    """Verdicts in a file of lines; a later one of a mutant counts."""

    def __init__(self, path: Path) -> None:
        """Read what is there.

        Args:
            path: of the file, which need not be there.
        """
        self._path = path
        self._lock = threading.Lock()
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self._known = {each["of"]: Verdict(**each["verdict"]) for each in map(json.loads, lines)}

    def get(self, mutant: Mutant) -> Verdict | None:
        """Return what came of a mutant; None when it was not judged."""
        return self._known.get(mutant.name)

    def keep(self, mutant: Mutant, verdict: Verdict) -> Verdict:
        """Keep a verdict and return it."""
        line = json.dumps({"of": mutant.name, "verdict": attrs.asdict(verdict)})
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        return verdict


def write_numbers(counted: Mapping[str, Counter[str]]) -> None:
    """Write the numbers of these addons; those of others stay."""
    known = json.loads(NUMBERS.read_text(encoding="utf-8")) if NUMBERS.exists() else {}
    known |= {addon: dict(sorted(numbers.items())) for addon, numbers in counted.items()}
    NUMBERS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
