"""Times backups, restores and copies of one database beside PostgreSQL's own tools, by turns; measures their memory.

    SIZE=1000 ROUNDS=3 python benchmarks/backups.py

SIZE is in MB. Everything is below TMPDIR, so that says which disk is measured.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

import asyncpg
from interleaved import heading, measure_inner, row

import addonkit
from addonkit.testing.home import kill_servers

SIZE: Final = int(os.environ.get("SIZE", "100"))
ROUNDS: Final = int(os.environ.get("ROUNDS", "3"))

FILL: Final = """
    CREATE TABLE orders (id bigint PRIMARY KEY, at timestamptz DEFAULT now(), text text);
    INSERT INTO orders (id, text) SELECT n, repeat(md5(n::text), 26) FROM generate_series(1, {rows}) n
"""
"""About a kilobyte a row, with its index; the text is compressed by half."""


class Bench:
    """One home with the database `shop` on a shared server, and by its side what is typed by hand."""

    def __init__(self, kit: addonkit.Kit, base: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.kit = kit
        self.base = base
        self._loop = loop
        self._number = 0

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Wait for work of the loop."""
        return self._loop.run_until_complete(work)

    def timed(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> float:
        """Seconds of work, without what removes its instances afterwards."""
        began = time.perf_counter()
        self.wait(work())
        took = time.perf_counter() - began
        self.wait(self._clear())
        return took

    def by_hand(self, script: str) -> float:
        """Seconds of a shell script of the same programs; `$DATABASE_URL` is of the database."""
        environ = self.wait(self.kit.environment("shop"))
        path = os.pathsep.join((*environ.programs, os.environ["PATH"]))
        variables = {**os.environ, **environ.values, "PATH": path, "FILES": str(self.base)}
        began = time.perf_counter()
        subprocess.run(["/bin/sh", "-euc", script], env=variables, check=True, stdin=subprocess.DEVNULL)
        return time.perf_counter() - began

    async def _clear(self) -> None:
        for view in await self.kit.instances():
            if view.instance.app != "shop":
                await self.kit.destroy(view.instance.name, now=True)
        if any(view.instance.name.endswith("-former") for view in await self.kit.instances()):
            await self.kit.changes.confirm("shop-postgresql")

    async def clone(self, *, verify: bool) -> None:
        """Clone within the server."""
        await asyncio.sleep(0.3)  # the session before has ended
        self._number += 1
        await self.kit.moves.clone("shop-postgresql", f"copy{self._number}", verify=verify)

    async def clone_by_archive(self) -> None:
        """Clone while a session keeps the server from copying."""
        connection = await asyncpg.connect((await self.kit.environment("shop")).values["DATABASE_URL"])
        try:
            await self.clone(verify=False)
        finally:
            await connection.close()


_RESTORE: Final = """
    psql -qXc "DROP SCHEMA IF EXISTS public CASCADE" -c "CREATE SCHEMA public" "$SCRATCH_DATABASE_URL" 2>/dev/null
    zstd -dc "$FILES/by-hand.zst" | pg_restore --no-owner -d "$SCRATCH_DATABASE_URL"
"""


def ways(bench: Bench) -> Mapping[str, Callable[[], float]]:
    """What is measured, by name."""
    return {
        "backup": lambda: bench.timed(lambda: bench.kit.backups.create("shop-postgresql", verify=False)),
        "pg_dump -Fc, zstd": lambda: bench.by_hand('pg_dump -Fc -Z0 "$DATABASE_URL" | zstd -q >"$FILES/by-hand.zst"'),
        "backup, verified": lambda: bench.timed(lambda: bench.kit.backups.create("shop-postgresql")),
        "restore": lambda: bench.timed(lambda: bench.kit.backups.restore("shop-postgresql")),
        "pg_restore": lambda: bench.by_hand(_RESTORE),
        "clone by archive": lambda: bench.timed(bench.clone_by_archive),
        "pg_dump to pg_restore": lambda: bench.by_hand(
            _RESTORE.replace('zstd -dc "$FILES/by-hand.zst"', 'pg_dump -Fc -Z0 "$DATABASE_URL"')
        ),
        "clone within the server": lambda: bench.timed(lambda: bench.clone(verify=False)),
        "the same, --verify": lambda: bench.timed(lambda: bench.clone(verify=True)),
    }


def main() -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        base = Path(folder)
        base.chmod(0o755)
        os.environ["ADDONKIT_BACKUPS"] = str(base / "backups")
        home = base / "home"
        opened = addonkit.open(home)
        kit = runner.run(opened.__aenter__())
        try:
            bench = Bench(kit, base, runner.get_loop())
            print(heading())
            _fill(bench)
            _print(measure_inner(ways(bench), ROUNDS))
        finally:
            runner.run(opened.__aexit__(None, None, None))
            kill_servers(home)


def _fill(bench: Bench) -> None:
    async def fill() -> None:
        made = await bench.kit.create("postgresql:shared", app="shop")
        connection = await asyncpg.connect(made.url)
        await connection.execute(FILL.format(rows=SIZE * 1000), timeout=3600)
        await connection.close()
        await bench.kit.create("postgresql:shared", app="shop", alias="scratch")

    bench.wait(fill())


def _print(seconds: Mapping[str, list[float]]) -> None:
    for name, beside, goal in (
        ("backup", "pg_dump -Fc, zstd", "1.15"),
        ("backup, verified", "pg_restore", ""),
        ("restore", "pg_restore", "1.15"),
        ("clone by archive", "pg_dump to pg_restore", ""),
        ("clone within the server", "clone by archive", ""),
        ("clone within the server", "the same, --verify", ""),
    ):
        print(row(name, beside, seconds, goal))
    own, children = (
        resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"\npeak memory: {own} MB of this process, {children} MB of the largest program that it started")


if __name__ == "__main__":
    main()
