"""`make mutants`: break addons by machine and print what the conformance kit catches.

    python -m mutation [ADDON...] [--each N] [--seed N] [--list]

`--each` takes so many mutants of each addon by chance; 0 takes all.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from mutation.operators import Mutation, mutations
from mutation.subjects import Subject, subjects

_EQUIVALENT: Final = Path(__file__).with_name("equivalent.txt")
"""Lines `ADDON MODULE PLACE: CODE  # why`, PLACE where there is one: what no promise depends on."""

_STAGES: Final = (("--quick",), ("-k", "a_step_that_fails or many_come"))
"""What a mutant is tried with: the quick checks, then failures at each step."""


@attrs.frozen
class Mutant:
    """A mutation of an addon."""

    subject: Subject
    module: Path
    mutation: Mutation

    @property
    def key(self) -> str:
        """What names it in the list of equivalent ones."""
        place = " ".join(filter(None, (self.subject.name, self.module.stem, self.mutation.place)))
        return f"{place}: {self.mutation.before}"

    def __str__(self) -> str:
        place = f"{self.subject.name} {self.module.name}:{self.mutation.line}"
        return f"{place} {self.mutation.operator}: {self.mutation.before}"


def main() -> int:
    """Print a line for each mutant, and how many were caught."""
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("addons", nargs="*")
    parser.add_argument("--each", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    known = _equivalent()
    counted: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for subject in subjects(Path(folder)):
            if options.addons and subject.name not in options.addons:
                continue
            for mutant in _chosen(subject, options.each, options.seed):
                word, why = ("listed", "") if options.list else _judge(mutant, Path(folder), known)
                counted[word] += 1
                print(f"{word:10}  {mutant}\n{'':12}{why}" if why else f"{word:10}  {mutant}", flush=True)
    tried = counted["caught"] + counted["missed"]
    share = f", {counted['caught'] / tried:.0%} of those that are not equivalent" if tried else ""
    print(", ".join(f"{number} {word}" for word, number in sorted(counted.items())) + share)
    return int(bool(counted["missed"]))


def _chosen(subject: Subject, each: int, seed: int) -> list[Mutant]:
    config = subject.config()
    found = [
        Mutant(subject, module, mutation)
        for module in subject.modules()
        for mutation in mutations(module.read_text(encoding="utf-8"), config)
    ]
    chosen = random.Random(seed).sample(found, min(each or len(found), len(found)))
    return sorted(chosen, key=str)


def _equivalent() -> dict[str, str]:
    lines = _EQUIVALENT.read_text(encoding="utf-8").splitlines() if _EQUIVALENT.exists() else []
    parts = (line.partition("  # ") for line in lines if line.strip() and not line.startswith("#"))
    return {key.strip(): why.strip() for key, _, why in parts}


def _judge(mutant: Mutant, folder: Path, known: dict[str, str]) -> tuple[str, str]:
    if mutant.key in known:
        return "equivalent", known[mutant.key]
    source = folder / "mutant.py"
    source.write_text(mutant.mutation.source, encoding="utf-8")
    module = mutant.subject.package.name + ("" if mutant.module.stem == "__init__" else f".{mutant.module.stem}")
    environ = {**mutant.subject.environ(), "MUTANT_MODULE": module, "MUTANT_SOURCE": str(source)}
    began = time.monotonic()
    for stage in _STAGES:
        caught = next(_failures(mutant.subject.name, stage, environ, folder), None)
        if caught is not None:
            return "caught", f"{caught} ({time.monotonic() - began:.0f} s)"
    return "missed", f"({time.monotonic() - began:.0f} s)"


def _failures(addon: str, stage: Sequence[str], environ: dict[str, str], folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "addonkit", "conformance", addon, "-x", *stage]
    report = folder / "conformance.json"
    report.unlink(missing_ok=True)
    ended = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if not report.exists():
        yield f"the kit ends with status {ended.returncode}: {ended.stderr.strip()[-200:]}"
        return
    for check in json.loads(report.read_text())["checks"]:
        if not check["passed"]:
            name = f"{check['name']} [{check['case']}]"
            yield f"{name}: {check['message'].partition(chr(10))[0][:150]}"


if __name__ == "__main__":
    sys.exit(main())
