"""Times backups, restores, copies and upgrades of a database beside PostgreSQL's own tools, by turns, and their memory.

    SIZE=1000 ROUNDS=1 python benchmarks/backups.py

SIZE is in MB. WAYS, names as they are shown with semicolons between them, measures those alone. Everything is below
TMPDIR, so that says which disk is measured. Needs `zstd`; the copy by reflinks needs root and `mkfs.xfs` or
`mkfs.btrfs`, the upgrade a wheel with PostgreSQL 17. What is not there is left out, and said.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import asyncpg
from interleaved import heading, row
from reflinks import mounted

import addonkit
from addonkit.models.instance import Server
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.testing.home import kill_servers
from addonkit_postgresql.tenants import administrator

SIZE: Final = int(os.environ.get("SIZE", "100"))
ROUNDS: Final = int(os.environ.get("ROUNDS", "1"))
WAYS: Final = [name.strip() for name in os.environ.get("WAYS", "").split(";") if name.strip()]

FILL: Final = """
    CREATE TABLE orders (
      id bigint PRIMARY KEY, customer int, at timestamptz, amount numeric(10, 2), state text, note text);
    INSERT INTO orders SELECT n, n % 5000, timestamptz '2026-01-01' + n * interval '1 second', n % 100000 / 7.0,
      (ARRAY['new', 'paid', 'sent'])[n % 3 + 1],
      encode(sha512(n::text::bytea), 'hex') || encode(sha512((n || 'a')::bytea), 'hex')
        || encode(sha512((n || 'b')::bytea), 'hex') || encode(sha512((n || 'c')::bytea), 'hex')
    FROM generate_series(1, {rows}) n;
    CREATE INDEX ON orders (customer, at);
    CREATE TABLE lines (order_id bigint, line int, sku text, price numeric(8, 2), PRIMARY KEY (order_id, line));
    INSERT INTO lines SELECT n / 3, n % 3, 'sku-' || n % 10007, n % 9973 / 3.0 FROM generate_series(1, {rows} * 2) n;
    ANALYZE
"""
"""Seven parts of long texts, which zstd compresses by half, and three parts of short values; three indexes."""

ROWS: Final = SIZE * 1350
"""So many orders, with twice as many lines, are so many MB of dump as SIZE says."""


class Bench:
    """One home with the database `shop` on a shared server, and by its side what is typed by hand."""

    def __init__(self, kit: addonkit.Kit, base: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.kit = kit
        self.base = base
        self.has_old = False
        self._loop = loop
        self._number = 0

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Wait for work of the loop."""
        return self._loop.run_until_complete(work)

    def timed(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> float:
        """Return seconds of work, without what removes its instances afterwards."""
        began = time.perf_counter()
        self.wait(work())
        took = time.perf_counter() - began
        self.wait(self._clear())
        return took

    def by_hand(self, script: str, app: str = "shop") -> float:
        """Return seconds of a shell script of the same programs; `$DATABASE_URL` is of the database."""
        environ = self.wait(self.kit.environment(app))
        path = os.pathsep.join((*environ.programs, os.environ["PATH"]))
        variables = {**os.environ, **environ.values, "PATH": path, "FILES": str(self.base)}
        began = time.perf_counter()
        subprocess.run(["/bin/sh", "-euc", script], env=variables, check=True, stdin=subprocess.DEVNULL)
        return time.perf_counter() - began

    async def fill(self) -> None:
        """Make the database, and one that is filled by hand."""
        made = await self.kit.create("postgresql:shared", app="shop")
        await self._fill(made.url)
        await self.kit.create("postgresql:shared", app="shop", alias="scratch")

    async def fill_old(self) -> None:
        """Make the same database on a server of its own with PostgreSQL 17, if that is here."""
        try:
            made = await self.kit.create("postgresql:small", app="old", version="17", options={"storage": "20Gi"})
        except addonkit.AddonkitError as error:
            print(f"no upgrade: {error}", file=sys.stderr)
            return
        await self._fill(made.url)
        self.has_old = True

    async def fill_own(self) -> None:
        """Make the same database on a server of its own."""
        made = await self.kit.create("postgresql:small", app="own", options={"storage": "20Gi"})
        await self._fill(made.url)

    async def _fill(self, url: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(FILL.format(rows=ROWS), timeout=3600)
        await connection.close()

    async def verify(self) -> None:
        """Verify the newest backup."""
        await self.kit.backups.verify((await self.kit.backups.list("shop-postgresql"))[-1].name)

    async def sizes(self) -> str:
        """Return how large the database and the two backups are."""
        connection = await asyncpg.connect((await self.kit.environment("shop")).values["DATABASE_URL"])
        database = await connection.fetchval("SELECT pg_database_size(current_database())")
        await connection.close()
        ours = (await self.kit.backups.list("shop-postgresql"))[-1].size
        theirs = (self.base / "by-hand.zst").stat().st_size
        return (
            f"database {database / 1e6:.0f} MB with its indexes, dump about {SIZE} MB, "
            f"backup {ours / 1e6:.0f} MB, by hand {theirs / 1e6:.0f} MB"
        )

    def settle(self) -> None:
        """Let the server write what the way before has left to do."""

        async def checkpoint() -> None:
            async with superuser(self.kit) as connection:
                await connection.execute("CHECKPOINT", timeout=3600)

        self.wait(checkpoint())

    def restored_by_hand(self, script: str) -> float:
        """Return seconds of a script that fills the database `scratch`, without what empties it."""
        seconds = self.by_hand(script)
        self.by_hand(_EMPTY)
        return seconds

    async def _clear(self) -> None:
        for view in await self.kit.instances():
            if view.instance.app not in {"shop", "old", "own"}:
                await self.kit.destroy(view.instance.name, now=True)
        for name in ("shop-postgresql", "old-postgresql"):
            with suppress(addonkit.AddonkitError):
                await self.kit.changes.confirm(name)

    async def clone(self, *, verify: bool, app: str = "shop") -> None:
        """Clone within the server, or a server of its own."""
        self._number += 1
        await self.kit.moves.clone(f"{app}-postgresql", f"copy{self._number}", verify=verify)

    async def clone_by_archive(self) -> None:
        """Clone while a session keeps the server from copying."""
        connection = await asyncpg.connect((await self.kit.environment("shop")).values["DATABASE_URL"])
        try:
            await self.clone(verify=False)
        finally:
            await connection.close()

    async def clone_own_by_archive(self) -> None:
        """Clone a server of its own while a transaction that writes keeps it from being copied."""
        connection = await asyncpg.connect((await self.kit.environment("own")).values["DATABASE_URL"])
        try:
            await connection.execute("BEGIN; SELECT pg_current_xact_id()")
            await self.clone(verify=False, app="own")
        finally:
            await connection.close()

    def template_by_hand(self) -> float:
        """Return seconds of `createdb -T`, as the superuser: an app cannot."""

        async def copy() -> float:
            name = (await self.kit.environment("shop")).values["PGDATABASE"]
            async with superuser(self.kit) as connection:
                began = time.perf_counter()
                await connection.execute(f"CREATE DATABASE by_hand TEMPLATE {name} STRATEGY file_copy", timeout=3600)
                took = time.perf_counter() - began
                await connection.execute("DROP DATABASE by_hand")
                return took

        return float(self.wait(copy()))

    def upgrade(self) -> float:
        """Return seconds of an upgrade from 17 to 18; then the server with 17 serves again."""
        began = time.perf_counter()
        self.wait(self.kit.changes.upgrade("old-postgresql", "18"))
        took = time.perf_counter() - began
        self.wait(self.kit.backups.rollback("old-postgresql"))
        self.wait(self._clear())
        return took


@asynccontextmanager
async def superuser(kit: addonkit.Kit) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection to the shared server, as its superuser."""
    servers = [each.value for each in await kit._store.list(Server)]  # noqa: SLF001 - a benchmark looks inside
    shared = next(each for each in servers if each.shared)
    async with administrator(await admin_access(kit.framework, shared.id)).session() as connection:
        yield connection


_BACKUP: Final = 'pg_dump -Fc -Z0 "$DATABASE_URL" | zstd -qf -o "$FILES/by-hand.zst"'
_RESTORE: Final = """
    zstd -dqf "$FILES/by-hand.zst" -o "$FILES/by-hand.dump"
    pg_restore -j 2 --no-owner --no-acl -d "$SCRATCH_DATABASE_URL" "$FILES/by-hand.dump"
    rm "$FILES/by-hand.dump"
"""
_EMPTY: Final = """
    export PGOPTIONS="-c client_min_messages=warning"
    psql -qX -c "DROP SCHEMA public CASCADE" -c "CREATE SCHEMA public" "$SCRATCH_DATABASE_URL"
"""
_STREAMED: Final = 'zstd -dcq "$FILES/by-hand.zst" | pg_restore --no-owner --no-acl -d "$SCRATCH_DATABASE_URL"'
_PIPED: Final = 'pg_dump -Fc -Z0 "$DATABASE_URL" | pg_restore --no-owner --no-acl -d "$SCRATCH_DATABASE_URL"'
_MOVED: Final = """
    pg_dump -Fd -Z0 -j 2 -f "$FILES/moved" "$OLD_URL"
    pg_restore -j 2 --no-owner --no-acl -d "$SCRATCH_DATABASE_URL" "$FILES/moved"
    rm -r "$FILES/moved"
"""


def ways(bench: Bench) -> Mapping[str, Callable[[], float]]:
    """Return what is measured, by name."""
    found: dict[str, Callable[[], float]] = {
        "backup": lambda: bench.timed(lambda: bench.kit.backups.create("shop-postgresql", verify=False)),
        "pg_dump -Fc, zstd": lambda: bench.by_hand(_BACKUP),
        "verification": lambda: bench.timed(bench.verify),
        "pg_restore -j 2": lambda: bench.restored_by_hand(_RESTORE),
        "restore": lambda: bench.timed(lambda: bench.kit.backups.restore("shop-postgresql")),
        "zstd to pg_restore": lambda: bench.restored_by_hand(_STREAMED),
        "clone by archive": lambda: bench.timed(bench.clone_by_archive),
        "pg_dump to pg_restore": lambda: bench.restored_by_hand(_PIPED),
        "clone by template": lambda: bench.timed(lambda: bench.clone(verify=False)),
        "the same, --verify": lambda: bench.timed(lambda: bench.clone(verify=True)),
        "createdb -T": bench.template_by_hand,
        "clone of a server": lambda: bench.timed(lambda: bench.clone(verify=False, app="own")),
        "the same by archive": lambda: bench.timed(bench.clone_own_by_archive),
    }
    if bench.has_old:
        old = bench.wait(bench.kit.environment("old")).values["DATABASE_URL"]
        found["upgrade 17 to 18"] = bench.upgrade
        found["pg_dump -Fd -j 2, pg_restore -j 2"] = lambda: bench.restored_by_hand(f"OLD_URL='{old}'\n{_MOVED}")
    return found


PAIRS: Final = (
    ("backup", "pg_dump -Fc, zstd", "1.15"),
    ("verification", "pg_restore -j 2", "1.3"),
    ("verification", "zstd to pg_restore", ""),
    ("restore", "pg_restore -j 2", "1.15"),
    ("restore", "zstd to pg_restore", ""),
    ("clone by archive", "pg_dump to pg_restore", ""),
    ("clone by template", "createdb -T", ""),
    ("the same, --verify", "createdb -T", ""),
    ("clone of a server", "the same by archive", ""),
    ("clone by reflink", "createdb -T, same disk", ""),
    ("upgrade 17 to 18", "pg_dump -Fd -j 2, pg_restore -j 2", ""),
)


@contextmanager
def opened(base: Path, runner: asyncio.Runner) -> Iterator[Bench]:
    """Yield a home below a directory with the filled database; gone afterwards."""
    base.chmod(0o755)
    os.environ["ADDONKIT_BACKUPS"] = str(base / "backups")
    home = base / "home"
    context = addonkit.open(home)
    kit = runner.run(context.__aenter__())
    try:
        bench = Bench(kit, base, runner.get_loop())
        bench.wait(bench.fill())
        yield bench
    finally:
        runner.run(context.__aexit__(None, None, None))
        kill_servers(home)


def reflinks(folder: Path, runner: asyncio.Runner) -> dict[str, list[float]]:
    """Return seconds of a clone and of `createdb -T` on a file system that copies by reference; none without one."""
    seconds: dict[str, list[float]] = {}
    for kind in ("xfs", "btrfs"):
        with mounted(kind, folder, (SIZE * 8 + 2000) * 2**20) as place:
            if place is None:
                continue
            with opened(place, runner) as bench:
                for _ in range(ROUNDS):
                    clone = bench.timed(lambda: bench.clone(verify=False))
                    seconds.setdefault("clone by reflink", []).append(clone)
                    seconds.setdefault("createdb -T, same disk", []).append(bench.template_by_hand())
            return seconds
    print("no copies by reference: that needs root, loop devices, and mkfs.xfs or mkfs.btrfs", file=sys.stderr)
    return seconds


def main() -> None:
    """Measure, and print the table."""
    seconds: dict[str, list[float]] = {}
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name, asyncio.Runner() as runner:
        folder = Path(name)
        folder.chmod(0o755)
        print(heading())
        (folder / "plain").mkdir()
        with opened(folder / "plain", runner) as bench:
            if not WAYS or "upgrade 17 to 18" in WAYS:
                bench.wait(bench.fill_old())
            if not WAYS or "clone of a server" in WAYS:
                bench.wait(bench.fill_own())
            bench.timed(lambda: bench.kit.backups.create("shop-postgresql", verify=False))
            bench.by_hand(_BACKUP)
            for _ in range(ROUNDS):
                for way, run in ways(bench).items():
                    if WAYS and way not in WAYS:
                        continue
                    bench.settle()
                    seconds.setdefault(way, []).append(run())
                    print(f"{time.perf_counter() - began:6.0f} s  {way}: {seconds[way][-1]:.2f} s", file=sys.stderr)
            sizes = bench.wait(bench.sizes())
        if not WAYS or "clone by reflink" in WAYS:
            seconds |= reflinks(folder, runner)
    for way, beside, goal in PAIRS:
        if way in seconds and beside in seconds:
            print(row(way, beside, seconds, goal))
    own, children = (
        resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"\n{sizes}; {time.perf_counter() - began:.0f} s in all")
    print(f"peak memory: {own} MB of this process, {children} MB of the largest program that it started")


if __name__ == "__main__":
    main()
