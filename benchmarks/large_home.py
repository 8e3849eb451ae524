"""Measures what 5,000 instances of 500 apps and 20,000 finished executions cost commands, beside 10.

Prints times by turns, and the memory that each command takes at most, with 10, 1,000 and 5,000 instances.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bench_process import begin
from interleaved import heading, measure, row
from many_addons import GOOD, PEAK, install

import addonkit
from addonkit.models.app import App
from addonkit.models.execution import Execution, ExecutionStatus, StepRecord, StepStatus
from addonkit.models.instance import Association, Instance, Phase
from addonkit.models.variable import Variable
from addonkit.store.interface import Transaction
from addonkit.util.clock import SystemClock

SIZES: Final = {
    "small": (1, 10, 10),
    "1,000 instances": (100, 1_000, 10),
    "20,000 executions": (1, 10, 20_000),
    "large": (500, 5_000, 20_000),
}
"""Apps, instances and finished executions of a home."""

COMMANDS: Final = {
    "run -a shop -- true": "1.2",
    "env -a shop": "1.2",
    "create memo -a NEW": "1.2",
    "show shop-memo": "",
    "list -a shop": "",
    "list": "",
}
"""Commands, and the goal of the large home beside the small one."""

TURNS: Final = int(os.environ.get("ROUNDS", "9"))


async def fill(home: Path, apps: int, instances: int, executions: int) -> None:
    """Write entities as finished operations leave them."""
    async with addonkit.open(home, heal=False) as kit:
        store, now = kit._store, SystemClock().now()  # noqa: SLF001 - a benchmark writes what years leave behind

        def decide(tx: Transaction) -> None:
            for number in range(apps):
                tx.create(f"app{number}", App(f"app{number}"))
            for number in range(instances):
                app, id = f"app{number % apps}", f"i{number:08}"
                memo = (Variable("MEMO_URL", f"memo://{id}"),)
                done = Instance(
                    id, f"{app}-{id}", "memo", app, "small", "acme-memo", phase=Phase.ACTIVE, variables=memo
                )
                tie = Association(
                    f"a{id}", app, id, "memo", phase=Phase.ACTIVE, order=number, plain=memo, variables=memo
                )
                tx.create(id, done)
                tx.create(tie.id, tie)
            steps = (StepRecord("one", StepStatus.DONE), StepRecord("two", StepStatus.DONE))
            for number in range(executions):
                id = f"provision/i{number % instances:08}/{number}"
                over = Execution(id, "memo.provision", 1, ExecutionStatus.COMPLETED, steps, created=now, finished=now)
                tx.create(id, over)

        await store.transact(decide)


def words_of(command: str, new: int) -> Sequence[str]:
    """Return the command line, with the name of an app that is new each time."""
    return command.replace("NEW", f"new{new}").split()


def main() -> None:
    """Make the homes, measure by turns, and print the tables."""
    begin()
    with tempfile.TemporaryDirectory(prefix="addonkit-bench-") as folder:
        Path(folder).chmod(0o711)
        site = Path(folder, "site")
        install(site, "memo", GOOD)
        homes = {size: Path(folder, f"home {size}") for size in SIZES}
        new = itertools.count()

        def environ(size: str) -> Mapping[str, str]:
            return {**os.environ, "PYTHONPATH": str(site), "ADDONKIT_HOME": str(homes[size])}

        def run(size: str, command: str) -> None:
            argv = [sys.executable, "-m", "addonkit", *words_of(command, next(new))]
            subprocess.run(
                argv, check=True, env=environ(size), cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

        def peak(size: str, command: str) -> str:
            argv = [sys.executable, "-c", PEAK, sys.executable, "-m", "addonkit", *words_of(command, next(new))]
            return subprocess.run(argv, check=True, env=environ(size), cwd="/", capture_output=True, text=True).stdout

        for size, counts in SIZES.items():
            run(size, "create memo -a shop")
            asyncio.run(fill(homes[size], *counts))
        ways = {
            f"`{command}`, {size}": (lambda size=size, command=command: run(size, command))
            for command in COMMANDS
            for size in SIZES
        }
        seconds = measure(ways, TURNS)
        memory = {(command, size): peak(size, command).strip() for command in COMMANDS for size in SIZES}
    print(heading())
    for command, goal in COMMANDS.items():
        for size in list(SIZES)[1:]:
            print(row(f"`{command}`, {size}", f"`{command}`, small", seconds, goal if size == "large" else ""))
    print(f"\n| peak memory, MB | {' | '.join(SIZES)} |\n| --- |{' ---: |' * len(SIZES)}")
    for command in COMMANDS:
        print(f"| `{command}` | {' | '.join(memory[command, size] for size in SIZES)} |")


if __name__ == "__main__":
    main()
