"""`make mutants`: break addons by machine and print what the conformance kit catches.

    python -m mutation [ADDON...] [--each N] [--of-operator N] [--seed N] [--jobs N] [--list] [--again WORD] ...

`--each` takes so many mutants of each addon by chance; 0 takes all. `--of-operator` takes so many of each operator,
and all where there are fewer. With `--keep` verdicts stand in a folder. A mutant
that has one is not judged again, unless `--again` names its verdict. `--crashes` lets checks kill the addon, too.
`--kit-alone` runs no tests of the addon's own, which judge what the kit lets pass; `--again missed` runs them later.
With `--own-first` they judge before the kit: where they are good, that takes less time. What checks and tests run is
noted once; `--note-again` takes new notes. `--kept` judges none. `--write` puts the numbers into the reference.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutation.ending import end_all_on_signals
from mutation.judge import Judge, Verdict
from mutation.mutants import Mutant, equivalent, mutants_of
from mutation.operators import OPERATORS
from mutation.own_tests import OwnTests
from mutation.reach import Case, Reach, reach_of
from mutation.results import Results, write_numbers
from mutation.subjects import SITE, Subject, subjects


def main() -> int:
    """Print a line for each mutant, and how many were caught."""
    options = _options()
    end_all_on_signals()
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(SITE), os.environ.get("PYTHONPATH"))))
    counted: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        folder = Path(options.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for subject in subjects(Path(temporary)):
            if options.addons and subject.name not in options.addons:
                continue
            counted[subject.name] = Counter()
            for mutant, verdict in _verdicts(subject, folder, options):
                counted[subject.name][verdict.word] += 1
                print(_lines(mutant, verdict), flush=True)
    total = sum(counted.values(), Counter[str]())
    print(_summary(total))
    if options.write:
        write_numbers(counted)
    return int(bool(total["missed"]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("addons", nargs="*")
    parser.add_argument("--each", type=int, default=4)
    parser.add_argument("--of-operator", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--again", nargs="*", default=[])
    parser.add_argument("--keep", default="")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--crashes", action="store_true")
    parser.add_argument("--kept", action="store_true")
    parser.add_argument("--kit-alone", action="store_true")
    parser.add_argument("--own-first", action="store_true")
    parser.add_argument("--note-again", action="store_true")
    return parser.parse_args()


def _verdicts(subject: Subject, folder: Path, options: argparse.Namespace) -> Iterator[tuple[Mutant, Verdict]]:
    chosen = _chosen(subject, options)
    if options.list:
        yield from ((mutant, Verdict("listed")) for mutant in chosen)
        return
    known, results = equivalent(), Results(folder / f"{subject.name}.jsonl")
    default, _ = subject.default()
    again = options.note_again
    reach = Reach[Case]() if options.kept else reach_of(subject, folder, crashes=options.crashes, again=again)
    own = None if options.kit_alone else OwnTests(subject, folder, again=again)
    judge = Judge(reach, default, folder / f"judging-{subject.name}", own, own_first=options.own_first)

    def verdict(mutant: Mutant) -> Verdict:
        if mutant.key in known:
            return Verdict("equivalent", says=known[mutant.key])
        kept = results.get(mutant)
        if options.kept:
            return kept or Verdict("not judged")
        return kept if kept and kept.word not in options.again else results.keep(mutant, judge.judge(mutant))

    with ThreadPoolExecutor(options.jobs) as pool:
        yield from zip(chosen, pool.map(verdict, chosen), strict=True)


def _chosen(subject: Subject, options: argparse.Namespace) -> list[Mutant]:
    found, chance = mutants_of(subject), random.Random(options.seed)
    if not options.of_operator:
        return chance.sample(found, min(options.each or len(found), len(found)))
    kinds = [[each for each in found if each.mutation.operator == operator] for operator in OPERATORS]
    some = [each for kind in kinds for each in chance.sample(kind, min(options.of_operator, len(kind)))]
    return chance.sample(some, len(some))


def _lines(mutant: Mutant, verdict: Verdict) -> str:
    line = f"{verdict.word:10}  {mutant}"
    why = ": ".join(filter(None, (verdict.by, verdict.says)))
    return f"{line}\n{'':12}{why}{f' ({verdict.seconds:.0f} s)' if verdict.seconds else ''}" if why else line


def _summary(counted: Counter[str]) -> str:
    caught = counted["caught"] + counted["own tests"]
    tried = caught + counted["missed"]
    share = f", {caught / tried:.0%} of those that are not equivalent" if tried else ""
    return ", ".join(f"{number} {word}" for word, number in sorted(counted.items())) + share


if __name__ == "__main__":
    sys.exit(main())
