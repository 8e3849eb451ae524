"""Measures what creating and destroying cost, beside doing the same by hand with the same programs.

Commands are whole: from starting Python to the end of the process. The home exists, and has prepared what it prepares
once. `ROUNDS` says how many turns there are, `ONLY` which of the tables: small, shared, many, valkey.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
from bench_process import begin
from by_hand import ByHand, drop_tenant, first_query, make_tenant, remove
from interleaved import heading, measure_inner, row

import addonkit
from addonkit.models.instance import Server
from addonkit.provider.server_addon.admin_access import admin_access
from addonkit.testing.home import kill_servers
from addonkit_postgresql.tenants import administrator
from addonkit_valkey.tenants import _administrator as valkey_administrator

ROUNDS: Final = int(os.environ.get("ROUNDS", "9"))
AT_ONCE: Final = 32
PROGRAM: Final = str(Path(sys.executable).with_name("addonkit"))

SCRIPT: Final = """
import asyncio, sys, asyncpg
async def main(host, port, password, name):
    connection = await asyncpg.connect(
        host=host, port=int(port), user="postgres", password=password, database="postgres", ssl=False
    )
    await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret'")
    await connection.execute(f"CREATE DATABASE {name} OWNER {name}")
    await connection.close()
asyncio.run(main(*sys.argv[1:]))
"""


class Bench:
    """A home, an event loop that stays, and the programs."""

    def __init__(self, base: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.home = base / "home"
        self.hand = ByHand(base)
        self.loop = loop
        self.kit: Any = None

    def timed(self, work: Callable[[], Awaitable[Any]]) -> float:
        """Return seconds that a coroutine takes in the loop."""

        async def run() -> float:
            began = time.perf_counter()
            await work()
            return time.perf_counter() - began

        return self.loop.run_until_complete(run())

    def command(self, *words: str) -> float:
        """Return seconds that a command takes."""
        began = time.perf_counter()
        run(PROGRAM, "--home", str(self.home), *words)
        return time.perf_counter() - began

    def destroy(self, *apps: str, addon: str = "postgresql") -> None:
        """Destroy what apps have, uncounted."""
        for app in apps:
            self.loop.run_until_complete(self.kit.destroy(f"{app}-{addon}", now=True))

    @asynccontextmanager
    async def superuser(self) -> AsyncIterator[asyncpg.Connection]:
        """Yield a connection to the shared server, as its superuser."""
        async with administrator(await self.access("postgresql")).session() as connection:
            yield connection

    async def access(self, addon: str) -> Any:
        """Return how to get into the shared server of an addon."""
        servers = [each.value for each in await self.kit._store.list(Server)]  # noqa: SLF001 - a benchmark looks inside
        shared = next(each for each in servers if each.addon == addon and each.shared)
        return await admin_access(self.kit.framework, shared.id)


def new_name() -> str:
    """Return a name that no other app has."""
    return f"app{secrets.token_hex(4)}"


def run(*argv: str) -> None:
    """Run a program to its end, silently."""
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def small(bench: Bench) -> None:
    """Measure a server of its own."""
    hand, loop = bench.hand, bench.loop
    prepared = hand.directory()
    hand.initdb(prepared)

    def created_by_command() -> float:
        app = new_name()
        took = bench.command("create", "postgresql:small", "-a", app)
        url = loop.run_until_complete(bench.kit.environment(app)).values["DATABASE_URL"]
        took += bench.timed(lambda: first_query(url))
        bench.destroy(app)
        return took

    def made_by_hand() -> float:
        data = hand.directory()
        began = time.perf_counter()
        hand.initdb(data)
        port = hand.start(data)

        async def tenant() -> None:
            connection = await asyncpg.connect(f"postgresql://postgres:postgres@127.0.0.1:{port}/postgres")
            await make_tenant(connection, "shop")
            await connection.close()
            await first_query(f"postgresql://shop:secret@127.0.0.1:{port}/shop")

        loop.run_until_complete(tenant())
        took = time.perf_counter() - began
        hand.stop(data)
        remove(data)
        return took

    destroyed: list[float] = []

    def created_in_process() -> float:
        app = new_name()
        took = bench.timed(lambda: bench.kit.create("postgresql:small", app=app))
        destroyed.append(bench.timed(lambda: bench.kit.destroy(f"{app}-postgresql", now=True)))
        return took

    removed: list[float] = []

    def copied_by_hand() -> float:
        data = hand.directory()
        began = time.perf_counter()
        hand.copy(prepared, data)
        hand.start(data)
        took = time.perf_counter() - began
        began = time.perf_counter()
        hand.stop(data)
        remove(data)
        removed.append(time.perf_counter() - began)
        return took

    command, hand_made = "`create postgresql:small`, command, to first query", "`initdb`, start, role, database"
    seconds = measure_inner(
        {
            command: created_by_command,
            hand_made: made_by_hand,
            "`create postgresql:small`, in process": created_in_process,
            "copy of a prepared directory, `pg_ctl start`": copied_by_hand,
        },
        ROUNDS,
    )
    seconds["destroy of `postgresql:small`, in process"] = destroyed[1:]
    seconds["`pg_ctl stop`, removal of the directory"] = removed[1:]
    print(row(command, hand_made, seconds, "0.6"))
    print(row("`create postgresql:small`, in process", "copy of a prepared directory, `pg_ctl start`", seconds, "1.5"))
    print(row("destroy of `postgresql:small`, in process", "`pg_ctl stop`, removal of the directory", seconds, "1.5"))


def shared(bench: Bench) -> None:
    """Measure a database on a running server."""
    access = bench.loop.run_until_complete(bench.access("postgresql"))

    def created_by_command() -> float:
        app = new_name()
        took = bench.command("create", "postgresql:shared", "-a", app)
        bench.destroy(app)
        return took

    def script() -> float:
        name = new_name()
        words = (access.host, str(access.port), access.password.reveal(), name)
        began = time.perf_counter()
        run(sys.executable, "-c", SCRIPT, *words)
        took = time.perf_counter() - began
        bench.loop.run_until_complete(dropped(bench, name))
        return took

    destroyed: list[float] = []

    def created_in_process() -> float:
        app = new_name()
        took = bench.timed(lambda: bench.kit.create("postgresql:shared", app=app))
        destroyed.append(bench.timed(lambda: bench.kit.destroy(f"{app}-postgresql", now=True)))
        return took

    removed: list[float] = []

    async def by_sql() -> float:
        name = new_name()
        async with bench.superuser() as connection:
            began = time.perf_counter()
            await make_tenant(connection, name)
            took = time.perf_counter() - began
            began = time.perf_counter()
            await drop_tenant(connection, name)
            removed.append(time.perf_counter() - began)
        return took

    seconds = measure_inner(
        {
            "`create postgresql:shared`, command": created_by_command,
            "`python`, asyncpg: CREATE ROLE, CREATE DATABASE": script,
            "`create postgresql:shared`, in process": created_in_process,
            "the same SQL over an open connection": lambda: bench.loop.run_until_complete(by_sql()),
        },
        ROUNDS,
    )
    seconds["destroy of `postgresql:shared`, in process"] = destroyed[1:]
    seconds["DROP DATABASE, DROP ROLE"] = removed[1:]
    beside = "`python`, asyncpg: CREATE ROLE, CREATE DATABASE"
    print(row("`create postgresql:shared`, command", beside, seconds, "1.5"))
    print(row("`create postgresql:shared`, in process", "the same SQL over an open connection", seconds, "1.5"))
    print(row("destroy of `postgresql:shared`, in process", "DROP DATABASE, DROP ROLE", seconds, "1.5"))


async def dropped(bench: Bench, *names: str) -> None:
    """Drop databases and roles, uncounted."""
    async with bench.superuser() as connection:
        for name in names:
            await drop_tenant(connection, name)


def many(bench: Bench) -> None:
    """32 databases at once."""

    def commands() -> float:
        apps = [new_name() for _ in range(AT_ONCE)]
        began = time.perf_counter()
        words = (PROGRAM, "--home", str(bench.home), "create", "postgresql:shared", "-a")
        output = subprocess.DEVNULL
        started = [subprocess.Popen([*words, app], stdout=output, stderr=output) for app in apps]
        try:
            if sum(each.wait() for each in started):
                raise SystemExit("a command failed")
        finally:
            for each in started:
                each.kill()
        took = time.perf_counter() - began
        bench.destroy(*apps)
        return took

    def tasks() -> float:
        apps = [new_name() for _ in range(AT_ONCE)]

        async def at_once() -> None:
            await asyncio.gather(*(bench.kit.create("postgresql:shared", app=app) for app in apps))

        took = bench.timed(at_once)
        bench.destroy(*apps)
        return took

    async def connections() -> float:
        names = [new_name() for _ in range(AT_ONCE)]
        access = administrator(await bench.access("postgresql"))
        async with AsyncExitStack() as stack:
            opened = [await stack.enter_async_context(access.session()) for _ in names]
            began = time.perf_counter()
            await asyncio.gather(*(make_tenant(each, name) for each, name in zip(opened, names, strict=True)))
            took = time.perf_counter() - began
        await dropped(bench, *names)
        return took

    beside = f"the same SQL over {AT_ONCE} connections"
    seconds = measure_inner(
        {
            f"{AT_ONCE} commands at once": commands,
            f"{AT_ONCE} tasks of one process": tasks,
            beside: lambda: bench.loop.run_until_complete(connections()),
        },
        max(3, ROUNDS // 3),
    )
    print(row(f"{AT_ONCE} commands at once", beside, seconds, "3"))
    print(row(f"{AT_ONCE} tasks of one process", beside, seconds, "1.3"))


def valkey(bench: Bench) -> None:
    """Servers and users of Valkey."""

    def created_small() -> float:
        app = new_name()
        took = bench.timed(lambda: bench.kit.create("valkey:small", app=app))
        bench.destroy(app, addon="valkey")
        return took

    def started() -> float:
        folder = bench.hand.directory()
        began = time.perf_counter()
        server = bench.hand.start_valkey(folder)
        took = time.perf_counter() - began
        server.terminate()
        server.wait()
        remove(folder)
        return took

    def created_shared() -> float:
        app = new_name()
        took = bench.timed(lambda: bench.kit.create("valkey:shared", app=app))
        bench.destroy(app, addon="valkey")
        return took

    async def set_user() -> float:
        name = new_name()
        async with valkey_administrator(await bench.access("valkey")).session() as session:
            client: Any = session
            await client.ping()
            began = time.perf_counter()
            await client.execute_command("ACL", "SETUSER", name, "on", ">secret", f"~{name}:*", "+@all")
            await client.execute_command("ACL", "SAVE")
            took = time.perf_counter() - began
            await client.execute_command("ACL", "DELUSER", name)
            await client.execute_command("ACL", "SAVE")
        return took

    seconds = measure_inner(
        {
            "`create valkey:small`, in process": created_small,
            "`valkey-server` until PING": started,
            "`create valkey:shared`, in process": created_shared,
            "ACL SETUSER, ACL SAVE": lambda: bench.loop.run_until_complete(set_user()),
        },
        ROUNDS,
    )
    print(row("`create valkey:small`, in process", "`valkey-server` until PING", seconds, "1.5"))
    print(row("`create valkey:shared`, in process", "ACL SETUSER, ACL SAVE", seconds, "3"))


async def prepare(bench: Bench, stack: AsyncExitStack) -> None:
    """Open the home and make what others stand beside."""
    bench.kit = await stack.enter_async_context(addonkit.open(bench.home))
    for spec in ("postgresql:shared", "valkey:shared"):
        await bench.kit.create(spec, app="resident")


def main() -> None:
    """Measure by turns, and print the table."""
    begin()
    tables = {"small": small, "shared": shared, "many": many, "valkey": valkey}
    wanted = os.environ.get("ONLY", "").split() or list(tables)
    with tempfile.TemporaryDirectory(prefix="addonkit-bench-") as folder, asyncio.Runner() as runner:
        base = Path(folder)
        base.chmod(0o711)
        bench, stack = Bench(base, runner.get_loop()), AsyncExitStack()
        try:
            runner.run(prepare(bench, stack))
            print(heading())
            for name in wanted:
                tables[name](bench)
            runner.run(stack.aclose())
        finally:
            kill_servers(bench.home)


if __name__ == "__main__":
    main()
