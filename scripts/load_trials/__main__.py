"""Prints what came of a trial: `make load`. Arguments: seconds, instances, clients, kills."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

from load_trials.trial import Outcome, Trial, carry_out


def main() -> None:
    """Carry the trial out and print it."""
    given = [int(word) for word in sys.argv[1:]]
    seconds, instances, clients, kills = [*given, *(120, 500, 50, 10)[len(given) :]]
    trial = Trial(instances, clients, seconds, kills)
    with tempfile.TemporaryDirectory() as root:
        Path(root).chmod(0o711)
        outcome = asyncio.run(carry_out(trial, Path(root)))
        errors = (Path(root) / "errors.log").read_text()
    report(trial, outcome)
    if errors:
        print(f"the service said:\n{errors[-3000:]}")
    sys.exit(bool(outcome.lost or outcome.left or outcome.seen.wrong))


def report(trial: Trial, outcome: Outcome) -> None:
    """Print what came of a trial."""
    print(
        f"{trial.instances} instances (made in {outcome.filled:.1f} s), {trial.clients} clients, "
        f"{trial.seconds:.0f} s, killed {trial.kills} times: {outcome.seen.changes} creates and destroys"
    )
    print(f"lost: {list(outcome.lost) or 'nothing'}; left: {list(outcome.left) or 'nothing'}")
    for problem in outcome.seen.wrong[:10]:
        print(f"wrong: {problem}")
    print(f"{'read':40} {'number':>7} {'p50 ms':>7} {'p99 ms':>7} {'most':>7}")
    every = [seconds for times in outcome.seen.reads.values() for seconds in times]
    for what, times in [*outcome.seen.reads.items(), ("all", every)]:
        if len(times) > 1:
            cuts = statistics.quantiles(times, n=100)
            row = (cuts[49], cuts[98], max(times))
            print(f"{what:40} {len(times):7} " + " ".join(f"{value * 1000:7.1f}" for value in row))
    memory = outcome.memory
    if memory:
        print(f"memory: {memory[0]:.0f} MB first, {max(memory):.0f} MB most, {memory[-1]:.0f} MB last")


if __name__ == "__main__":
    main()
