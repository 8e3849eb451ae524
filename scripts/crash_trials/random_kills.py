"""Kills commands at random times, mostly also those that continue them, and completes what they began."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import attrs
import pytest

from addonkit.testing.conformance.addon_under_test import AddonUnderTest
from addonkit.testing.conformance.client import find_client
from addonkit.testing.conformance.rig import Rig, rigged, serving
from crash_trials.cells import Cell, Operation, Then, Way, ending
from crash_trials.kills import run_and_kill, shared_templates
from crash_trials.trial import Trial, kill_servers_of

_AGAIN: Final = 0.9
"""How likely a command that continues one that was killed is killed as well."""

_FIRST_GUESS: Final = 3.0
"""Seconds that a command is thought to take before one was measured."""


@attrs.define
class _Timing:
    """The time that commands of a kind take here, over which kills are spread; and how many were killed."""

    seconds: dict[Operation, float] = attrs.field(factory=dict)
    kills: int = 0

    def moment(self, operation: Operation, dice: random.Random) -> float:
        return dice.uniform(0.05, 1.1 * self.seconds.get(operation, _FIRST_GUESS))

    def measured(self, operation: Operation, seconds: float) -> None:
        self.seconds[operation] = 0.7 * self.seconds.get(operation, seconds) + 0.3 * seconds


@attrs.frozen
class RandomTrial(Trial):
    """A trial whose command is killed at a random time instead of at a point, and again while it continues."""

    dice: random.Random = attrs.field(factory=random.Random)
    timing: _Timing = attrs.field(factory=_Timing)

    def _interrupt(self) -> bool:
        first = True
        while self._is_killed(first=first) and self.dice.random() < _AGAIN:
            first = False
        if self.cell.way is Way.SERVER:
            kill_servers_of(self.rig)
        return True

    def _is_killed(self, *, first: bool) -> bool:
        """Run the command; whether it was killed before it came to its end."""
        words = self._words(self.cell.operation)
        began = time.monotonic()
        killed = run_and_kill(self.rig.command, words, self.timing.moment(self.cell.operation, self.dice))
        if killed:
            self.timing.kills += 1
        elif first:  # one that continues has less to do
            self.timing.measured(self.cell.operation, time.monotonic() - began)
        return killed


_IN_ONE_HOME: Final = 10
"""Trials at most."""

_KILLED_SERVERS: Final = 3
"""Servers that are killed in one home: one that ends five times in a minute is not started again for a while."""


def random_kills(addon: str, count: int, seed: int) -> int:
    """Kill commands of an addon until so many are killed; the exit status."""
    dice, timing = random.Random(seed), _Timing()
    under_test, client = AddonUnderTest.find(addon), find_client(addon)
    outcomes: Counter[str] = Counter()
    with serving(client) as settings, shared_templates():
        while timing.kills < count:
            variant = dice.choice(under_test.variants)
            with rigged(addon, client, settings) as rig:
                for outcome in _in_one_home(rig, _cells_of(under_test, variant, dice), dice, timing, count):
                    outcomes[outcome.partition(":")[0]] += 1
                    if outcome.startswith("WRONG"):
                        print(f"{addon}:{variant} {outcome}", flush=True)
            print(f"{addon}: {timing.kills} of {count} in {outcomes.total()} trials: {dict(outcomes)}", flush=True)
    tried = f"{timing.kills} commands killed in {outcomes.total()} trials"
    print(f"{addon}: {tried}, seed {seed}: {dict(outcomes)}", flush=True)
    return int(outcomes["WRONG"] > 0)


def _in_one_home(rig: Rig, cells: Iterable[Cell], dice: random.Random, timing: _Timing, count: int) -> Iterator[str]:
    """Yield the outcomes of some trials: until one is wrong, or enough was killed."""
    killed_servers = 0
    for cell in cells:
        outcome = _one(rig, cell, dice, timing)
        yield outcome
        killed_servers += cell.way is Way.SERVER
        if outcome.startswith("WRONG") or killed_servers == _KILLED_SERVERS or timing.kills >= count:
            return


def _cells_of(under_test: AddonUnderTest, variant: str, dice: random.Random) -> Iterator[Cell]:
    return (_cell(under_test, variant, dice) for _ in range(_IN_ONE_HOME))


def _cell(under_test: AddonUnderTest, variant: str, dice: random.Random) -> Cell:
    operations = [Operation.PROVISION, Operation.DEPROVISION, Operation.BIND, Operation.UNBIND]
    shared = under_test.is_shared(variant)
    cell = Cell(under_test.addon.name, variant, dice.choice(operations), "random time", shared)
    way = dice.choices([Way.COMMAND, Way.SERVER], [0.8, 0.2])[0]
    return ending(under_test, cell, way, dice.choice(list(Then)))


def _one(rig: Rig, cell: Cell, dice: random.Random, timing: _Timing) -> str:
    try:
        return asyncio.run(RandomTrial(rig, cell, dice, timing).run())
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - whatever it is, it is this trial's outcome, and the next is tried
        return f"WRONG: {cell}: {type(error).__name__}: {error}"
