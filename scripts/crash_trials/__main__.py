"""`make faults`: interrupt every saga everywhere, print a table; the exit status is 1 when a promise is broken.

python -m crash_trials points [--addon NAME] [--variant NAME] [--every N] [--all-endings]
python -m crash_trials random [--addon NAME] --count N [--seed N]
python -m crash_trials crowd [--processes N] [--apps N] [--operations N] [--seed N]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import ExitStack

import pytest

from addonkit.testing.conformance.addon_under_test import AddonUnderTest
from addonkit.testing.conformance.client import find_client
from addonkit.testing.conformance.rig import Rig, rigged, serving
from crash_trials.cells import Cell, cells
from crash_trials.crowd import crowd
from crash_trials.random_kills import random_kills
from crash_trials.table import row, sums
from crash_trials.trial import Trial

ADDONS = ("postgresql", "valkey", "s3-remote")


def main() -> int:
    """Run what the command line asks for; the exit status."""
    options = _options()
    if options.what == "crowd":
        return crowd(options.processes, options.apps, options.operations, options.seed)
    if options.what == "random":
        return max(random_kills(addon, options.count, options.seed) for addon in options.addon or ADDONS)
    outcomes = [each for addon in options.addon or ADDONS for each in _points(addon, options)]
    print(sums(outcomes))
    return int(any(outcome.startswith("WRONG") for _cell, outcome in outcomes))


def _points(addon: str, options: argparse.Namespace) -> list[tuple[Cell, str]]:
    chosen = cells(AddonUnderTest.find(addon), every_ending=options.all_endings)
    if options.variant:
        chosen = [cell for cell in chosen if cell.variant in options.variant]
    client = find_client(addon)
    outcomes: list[tuple[Cell, str]] = []
    rig: Rig | None = None
    with serving(client) as settings, ExitStack() as homes:
        for cell in chosen[options.offset :: options.every]:
            # A home lasts as long as all is well in it, and as long as cells agree on who lives there.
            if rig is None or outcomes[-1][1].startswith("WRONG") or _differ(outcomes[-1][0], cell):
                homes.close()
                rig = homes.enter_context(rigged(addon, client, settings))
            outcomes.append((cell, _outcome(Trial(rig, cell))))
            print(row(*outcomes[-1]), flush=True)
    return outcomes


def _differ(one: Cell, other: Cell) -> bool:
    return (one.variant, one.resident) != (other.variant, other.resident)


def _outcome(trial: Trial) -> str:
    try:
        return asyncio.run(trial.run())
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - whatever it is, it is this cell's outcome, and the next is tried
        return f"WRONG: {type(error).__name__}: {error}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m crash_trials", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=("points", "random", "crowd"))
    parser.add_argument("--addon", action="append", choices=ADDONS)
    parser.add_argument("--variant", action="append")
    parser.add_argument("--every", type=int, default=1, help="try each Nth cell only")
    parser.add_argument("--offset", type=int, default=0, help="begin with this cell")
    parser.add_argument("--all-endings", action="store_true", help="try all endings at each point")
    parser.add_argument("--count", type=int, default=100, help="how many commands are killed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--apps", type=int, default=40)
    parser.add_argument("--operations", type=int, default=400)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
