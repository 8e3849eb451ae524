"""What 300 installed addon distributions cost commands that are about one of them, beside 3.

The addons are distributions as pip leaves them, with a module that takes a tenth of a second to import. The same
commands run by turns with 3 and with 300 of them installed; the ratio is that of the medians.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

ROUNDS: Final = 15
FEW, MANY = 3, 300

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


def take(site: Path, home: Path, *words: str) -> float:
    """Seconds that a command takes with what is installed in `site`."""
    environ = {**os.environ, "PYTHONPATH": str(site), "ADDONKIT_HOME": str(home)}
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "addonkit", *words], check=True, env=environ, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory(prefix="addonkit-bench-") as folder:
        sites = {number: Path(folder, f"site-{number}") for number in (FEW, MANY)}
        for number, site in sites.items():
            install(site, "memo", GOOD)
            for other in range(number - 1):
                install(site, f"other{other}", OTHER)
            subprocess.run([sys.executable, "-m", "compileall", "-q", site], check=True)
            take(site, Path(folder, f"home-{number}"), "create", "memo", "-a", "shop")
        commands = {
            "run -a shop -- true": ("run", "-a", "shop", "--", "true"),
            "env -a shop": ("env", "-a", "shop"),
            "create memo -a NEW": ("create", "memo", "-a"),
        }
        print(f"| command | {FEW} addons | {MANY} addons | ratio |\n| --- | ---: | ---: | ---: |")
        for title, words in commands.items():
            seconds: dict[int, list[float]] = {number: [] for number in sites}
            for turn in range(ROUNDS):
                for number, site in sites.items():
                    new = (f"new{turn}",) if words[-1] == "-a" else ()
                    seconds[number].append(take(site, Path(folder, f"home-{number}"), *words, *new))
            few, many = (statistics.median(seconds[number]) for number in (FEW, MANY))
            print(f"| `{title}` | {few * 1000:.0f} ms | {many * 1000:.0f} ms | {many / few:.2f} |")


if __name__ == "__main__":
    main()
