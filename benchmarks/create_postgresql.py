"""How long `create postgresql:small` takes until the first query, beside doing it by hand.

By hand is what an experienced user would type: `initdb`, `pg_ctl start`, a role and a database, one query. Both run the
same server program below the same directory, by turns; the ratio is that of the medians.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import asyncpg

import addonkit
from addonkit.compute.process.ports import HOST, reserve
from addonkit.compute.process.programs import Programs
from addonkit.compute.process.user import chown, service_user, subprocess_credentials
from addonkit.testing.home import kill_servers
from addonkit_postgresql.definition import DEFINITION, PROGRAM

ROUNDS: Final = 5
VERSION: Final = DEFINITION.default_version


async def with_addonkit(home: Path) -> float:
    """Seconds from an empty home to the answer of the first query."""
    began = time.perf_counter()
    async with addonkit.open(home) as kit:
        binding = await kit.create("postgresql:small", app="shop")
        await first_query(binding.url)
        took = time.perf_counter() - began
        await kit.destroy(binding.instance.name)
    return took


async def by_hand(directory: Path, programs: Path) -> float:
    """The same from an empty directory, with PostgreSQL's own commands."""
    port = next(number for number in range(25000, 26000) if is_free(number))
    password = directory / "password"
    password.write_text("postgres\n")
    chown(service_user(os.environ), password)
    data, log = directory / "data", directory / "log"
    server = f"-p {port} -c unix_socket_directories= -c listen_addresses={HOST}"
    began = time.perf_counter()
    command(programs / "initdb", "-D", data, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password}")
    command(programs / "pg_ctl", "-D", data, "-l", log, "-o", server, "-w", "start")
    try:
        admin = await asyncpg.connect(f"postgresql://postgres:postgres@{HOST}:{port}/postgres")
        await admin.execute("CREATE ROLE shop LOGIN PASSWORD 'shop'")
        await admin.execute("CREATE DATABASE shop OWNER shop")
        await admin.close()
        await first_query(f"postgresql://shop:shop@{HOST}:{port}/shop")
        return time.perf_counter() - began
    finally:
        command(programs / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop")


async def first_query(url: str) -> None:
    """Connect and ask for one number."""
    connection = await asyncpg.connect(url)
    await connection.fetchval("SELECT 1")
    await connection.close()


def is_free(port: int) -> bool:
    """Whether this port is free."""
    held = reserve(port)
    if held is not None:
        held.close()
    return held is not None


def command(*argv: str | Path) -> None:
    """Run one of PostgreSQL's commands, as the service user when we are root."""
    options: dict[str, Any] = subprocess_credentials(service_user(os.environ))
    subprocess.run([str(word) for word in argv], check=True, stdout=subprocess.DEVNULL, cwd="/", **options)


def new_directory(base: Path, *, owned: bool) -> Path:
    """An empty directory; `owned` gives it to the service user."""
    directory = Path(tempfile.mkdtemp(dir=base))
    directory.chmod(0o711)
    if owned:
        chown(service_user(os.environ), directory)
    return directory


def main() -> None:
    """Usage by turns and print the medians."""
    base = Path(tempfile.mkdtemp(prefix="addonkit-bench-", dir="/tmp"))
    base.chmod(0o711)
    ours, theirs = [], []
    try:
        programs = Programs(base / "programs", os.environ, service_user(os.environ)).resolve(PROGRAM, VERSION)
        for _ in range(ROUNDS):
            home = new_directory(base, owned=False)
            try:
                ours.append(asyncio.run(with_addonkit(home)))
            finally:
                kill_servers(home)
            theirs.append(asyncio.run(by_hand(new_directory(base, owned=True), programs)))
    finally:
        shutil.rmtree(base, ignore_errors=True)
    mine, hand = statistics.median(ours), statistics.median(theirs)
    print(f"create postgresql:small to first query: {mine:.2f} s; by hand {hand:.2f} s; ratio {mine / hand:.2f}")


if __name__ == "__main__":
    main()
