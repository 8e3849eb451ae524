"""What a home with 5,000 instances of 500 apps and 20,000 finished executions costs commands, beside one with 10."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from interleaved import heading, measure, row

import addonkit
from addonkit.models.app import App
from addonkit.models.execution import Execution, ExecutionStatus, StepRecord, StepStatus
from addonkit.models.instance import Association, Instance, Phase
from addonkit.store.interface import Transaction
from addonkit.testing.home import kill_servers
from addonkit.util.clock import SystemClock

SIZES: Final = {"small": (1, 10, 10), "large": (500, 5_000, 20_000)}
"""Apps, instances and finished executions of a home."""


async def fill(home: Path, apps: int, instances: int, executions: int) -> None:
    """Write entities as finished operations leave them."""
    async with addonkit.open(home, heal=False) as kit:
        store, now = kit._store, SystemClock().now()  # noqa: SLF001 - a benchmark writes what years leave behind

        def decide(tx: Transaction) -> None:
            for number in range(apps):
                tx.create(f"app{number}", App(f"app{number}"))
            for number in range(instances):
                app, id = f"app{number % apps}", f"i{number:08}"
                tx.create(id, Instance(id, f"{app}-{id}", "gone", app, "box", phase=Phase.ACTIVE))
                tx.create(f"a{id}", Association(f"a{id}", app, id, "gone", phase=Phase.ACTIVE, order=number))
            steps = (StepRecord("one", StepStatus.DONE), StepRecord("two", StepStatus.DONE))
            for number in range(executions):
                id = f"provision/i{number % instances:08}/{number}"
                done = Execution(id, "gone.provision", 1, ExecutionStatus.COMPLETED, steps, created=now, finished=now)
                tx.create(id, done)

        await store.transact(decide)


def main() -> None:
    """Make both homes, measure by turns, and print the table."""
    with tempfile.TemporaryDirectory(prefix="addonkit-bench-") as folder:
        Path(folder).chmod(0o711)
        program = str(Path(sys.executable).with_name("addonkit"))
        homes = {size: Path(folder, size) for size in SIZES}

        def run(size: str, *words: str) -> None:
            environ = {**os.environ, "ADDONKIT_HOME": str(homes[size])}
            output = subprocess.DEVNULL
            subprocess.run([program, *words], check=True, env=environ, stdout=output, stderr=output)

        try:
            for size, counts in SIZES.items():
                run(size, "create", "valkey:small", "-a", "shop")
                asyncio.run(fill(homes[size], *counts))
            ways = {
                f"`{' '.join(words)}`, {size} home": (lambda size=size, words=words: run(size, *words))
                for words in (("run", "-a", "shop", "--", "true"), ("env", "-a", "shop"))
                for size in SIZES
            }
            seconds = measure(ways)
        finally:
            for home in homes.values():
                kill_servers(home)
    print(heading())
    for words in ("run -a shop -- true", "env -a shop"):
        print(row(f"`{words}`, large home", f"`{words}`, small home", seconds, "1.2"))


if __name__ == "__main__":
    main()
