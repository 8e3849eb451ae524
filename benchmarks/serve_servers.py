"""Measures what 100 servers cost `addonkit serve`, and how soon one that is killed or stopped answers again.

Arguments: servers, and trials of each kind. The servers are real: `valkey:small`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from bench_process import begin

import addonkit
from addonkit.models.compute import Pool

IDLE: Final = 60.0
"""Seconds in which the processor time of the service is measured."""

LIMIT: Final = 60.0


async def make(home: Path, number: int) -> dict[str, int]:
    """Make servers; return their names with their ports."""
    gate = asyncio.Semaphore(6)
    async with addonkit.open(home) as kit:

        async def create(each: int) -> None:
            async with gate:
                await kit.create("valkey:small", f"app{each}")

        await asyncio.gather(*map(create, range(number)))
        pools = [entity.value for entity in await kit._store.list(Pool)]  # noqa: SLF001 - a benchmark
        return {pool.name: next(iter(pool.ports.values())) for pool in pools}


async def remove(home: Path) -> None:
    """Remove all servers."""
    async with addonkit.open(home, heal=False) as kit:
        for view in await kit.instances():
            await kit.destroy(view.instance.name, now=True)


def pid_of(home: Path, server: str) -> int:
    """Return the process of a server; 0 while it is started."""
    try:
        return int(json.loads((home / f"pools/{server}/record").read_text())["pid"])
    except (FileNotFoundError, ValueError):
        return 0


def processor_seconds(pid: int) -> float:
    """Return seconds of a processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def back_after(home: Path, server: str, number: signal.Signals) -> float:
    """Return seconds from a signal to the moment at which another process is there."""
    former = pid_of(home, server)
    began = monotonic()
    os.kill(former, number)
    while pid_of(home, server) in {0, former}:
        assert monotonic() - began < LIMIT, server
        sleep(0.005)
    return monotonic() - began


def main() -> None:
    """Measure and print."""
    begin()
    given = [int(word) for word in sys.argv[1:]]
    servers, trials = [*given, *(100, 50)[len(given) :]]
    os.environ["ADDONKIT_TRASH"] = "0"
    with tempfile.TemporaryDirectory() as root:
        home = Path(root)
        home.chmod(0o711)
        names = sorted(asyncio.run(make(home, servers)))
        argv = [sys.executable, "-m", "addonkit", "--home", str(home), "serve"]
        service = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        try:
            sleep(10)
            before = processor_seconds(service.pid)
            sleep(IDLE)
            share = (processor_seconds(service.pid) - before) / IDLE
            print(f"{servers} servers: {share:.2%} of a core, load {os.getloadavg()[0]:.1f}")
            for what in (signal.SIGKILL, signal.SIGSTOP):
                found = sorted(back_after(home, names[n % servers], what) for n in range(trials))
                cuts = statistics.quantiles(found, n=100)
                print(f"{what.name}: started again after {cuts[49]:.2f} s (p50), {cuts[98]:.2f} s (p99)")
        finally:
            service.terminate()
            service.wait()
            asyncio.run(remove(home))


if __name__ == "__main__":
    main()
