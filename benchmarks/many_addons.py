"""Measures what 300 installed addon distributions cost commands that are about one of them, beside 3.

The addons are distributions as pip leaves them, with a module that takes a tenth of a second to import. The same
commands run by turns with 3 and with 300 of them installed; the ratio is that of the medians.
"""

from __future__ import annotations

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

NUMBERS: Final = (1, 3, 30, 300)
FEW, MANY = 3, 300

COMMANDS: Final = ("run -a shop -- true", "env -a shop", "create memo -a NEW")

PEAK: Final = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""
"""Prints the memory, in megabytes, that a command takes at most."""

GOOD: Final = """
from addonkit import AddonDefinition, ProvisionResult, Saga, Variable, VariantDefinition, hookimpl, step

@step(gives="result", undo=None)
async def make_url(instance) -> ProvisionResult:
    return ProvisionResult((Variable("MEMO_URL", f"memo://{instance.id}"),))

PROVISION = Saga("memo.provision", steps=[make_url])
DEPROVISION = Saga("memo.deprovision", steps=[])

@hookimpl
def addon_definition():
    return AddonDefinition("memo", "Memo", "Notes", "small", (VariantDefinition("small"),))

@hookimpl
def addon_provision():
    return PROVISION

@hookimpl
def addon_deprovision():
    return DEPROVISION
"""

OTHER: Final = "import time; time.sleep(0.1)\n"


def install(site: Path, name: str, code: str) -> None:
    """Write a distribution with one addon, as pip would."""
    info = site / f"acme_{name}-1.0.dist-info"
    info.mkdir(parents=True)
    words = "A word of its long description.\n" * 200
    info.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.4\nName: acme-{name}\nVersion: 1.0\nRequires-Dist: addonkit\n\n{words}"
    )
    info.joinpath("entry_points.txt").write_text(f"[addonkit.addons]\n{name} = acme_{name}\n")
    site.joinpath(f"acme_{name}.py").write_text(code)


def main() -> None:
    """Measure by turns."""
    begin()
    with tempfile.TemporaryDirectory(prefix="addonkit-bench-") as folder:
        sites = {number: Path(folder, f"site-{number}") for number in NUMBERS}
        new = itertools.count()

        def argv(command: str) -> Sequence[str]:
            return [sys.executable, "-m", "addonkit", *command.replace("NEW", f"new{next(new)}").split()]

        def environ(number: int) -> Mapping[str, str]:
            home = Path(folder, f"home-{number}")
            return {**os.environ, "PYTHONPATH": str(sites[number]), "ADDONKIT_HOME": str(home)}

        def take(number: int, command: str) -> None:
            null, home = subprocess.DEVNULL, environ(number)
            subprocess.run(argv(command), check=True, stdout=null, stderr=null, env=home, cwd="/")

        def peak(number: int, command: str) -> str:
            measured = [sys.executable, "-c", PEAK, *argv(command)]
            done = subprocess.run(measured, check=True, capture_output=True, text=True, env=environ(number), cwd="/")
            return done.stdout.strip()

        for number, site in sites.items():
            install(site, "memo", GOOD)
            for other in range(number - 1):
                install(site, f"other{other}", OTHER)
            subprocess.run([sys.executable, "-m", "compileall", "-q", site], check=True)
            take(number, "create memo -a shop")
        ways = {
            f"`{command}`, {number} addons": (lambda number=number, command=command: take(number, command))
            for command in COMMANDS
            for number in NUMBERS
        }
        seconds = measure(ways)
        memory = {(command, number): peak(number, command) for command in COMMANDS for number in NUMBERS}
    show(seconds, memory)


def show(seconds: Mapping[str, Sequence[float]], memory: Mapping[tuple[str, int], str]) -> None:
    """Print the tables."""
    print(heading())
    for command in COMMANDS:
        for number in NUMBERS:
            goal = "1.15" if number == MANY else ""
            print(row(f"`{command}`, {number} addons", f"`{command}`, {FEW} addons", seconds, goal))
    print(f"\n| peak memory, MB | {' | '.join(map(str, NUMBERS))} |\n| --- |{' ---: |' * len(NUMBERS)}")
    for command in COMMANDS:
        print(f"| `{command}` | {' | '.join(memory[command, number] for number in NUMBERS)} |")


if __name__ == "__main__":
    main()
