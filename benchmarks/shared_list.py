"""Measures what `list` costs with 1, 100 and 400 apps on one shared server: the first time, and every later one.

The first `list` after something was installed takes the long way, which imports addons and asks programs for their
versions; the following ones take the quick way.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import attrs
from bench_process import begin
from interleaved import heading, measure, row

import addonkit
from addonkit.cli.installed_cache import FILE
from addonkit.models.app import App
from addonkit.models.instance import Association, Instance
from addonkit.store.interface import Transaction
from addonkit.testing.home import kill_servers

APPS: Final = (1, 100, 400)


async def fill(home: Path, apps: int) -> None:
    """Make one tenant of a shared server, and write further ones as their creation leaves them."""
    async with addonkit.open(home) as kit:
        made = await kit.create("postgresql:shared", app="app0")
        store = kit._store  # noqa: SLF001 - a benchmark writes what years leave behind

        def decide(tx: Transaction) -> None:
            for number in range(1, apps):
                app, id = f"app{number}", f"i{number:08}"
                tx.create(app, App(app))
                tx.create(id, attrs.evolve(made.instance, id=id, name=f"{app}-postgresql", app=app, claim=app))
                tx.create(f"a{id}", attrs.evolve(made.association, id=f"a{id}", app=app, instance=id))

        await store.transact(decide)
        assert len(await store.list(Instance)) == len(await store.list(Association)) == apps


def main() -> None:
    """Make the homes, measure by turns, and print the table."""
    begin()
    with tempfile.TemporaryDirectory(prefix="addonkit-bench-") as folder:
        Path(folder).chmod(0o711)
        program = str(Path(sys.executable).with_name("addonkit"))
        homes = {apps: Path(folder, f"home-{apps}") for apps in APPS}

        def run(apps: int, *, first: bool) -> None:
            if first:
                (homes[apps] / FILE).unlink(missing_ok=True)
            environ = {**os.environ, "ADDONKIT_HOME": str(homes[apps])}
            subprocess.run([program, "list"], check=True, env=environ, stdout=subprocess.DEVNULL)

        try:
            for apps, home in homes.items():
                home.mkdir(mode=0o711)
                asyncio.run(fill(home, apps))
            ways = {
                f"{way} `list`, {apps} apps": (lambda apps=apps, first=way == "first": run(apps, first=first))
                for way in ("first", "next")
                for apps in APPS
            }
            seconds = measure(ways, 5)
        finally:
            for home in homes.values():
                kill_servers(home)
    print(heading())
    for way in ("first", "next"):
        for apps in APPS[1:]:
            print(row(f"{way} `list`, {apps} apps", f"{way} `list`, 1 apps", seconds))


if __name__ == "__main__":
    main()
