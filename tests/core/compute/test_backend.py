"""Servers as processes: started once, found again, stopped for good, never confused with a stranger's."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from addonkit.compute.process.identity import is_running, session_members
from addonkit.compute.process.record import read_record
from addonkit.errors import PoolCrashed
from addonkit.models.compute import File
from addonkit.models.secret import Secret
from addonkit.testing.home import left_behind
from addonkit.util.procfs import read_status


async def test_a_server_is_started_found_ready_and_removed(bench: Any, home: Path) -> None:
    pool = await bench.start(bench.pool())

    state = await bench.ready(pool)
    assert (state.running, state.ready) == (1, 1)
    await bench.backend.remove(pool.name)
    await bench.backend.delete_disk(pool.name)

    assert read_status(state.pid) is None or not session_members(state.pid)
    assert left_behind(home) == ()


async def test_starting_again_changes_nothing(bench: Any) -> None:
    pool = await bench.start(bench.pool())
    first = await bench.ready(pool)

    assert (await bench.backend.ensure_running(pool)).pid == first.pid
    assert (await bench.another().ensure_running(pool)).pid == first.pid
    assert (await bench.backend.place(pool)).ports == pool.ports


async def test_many_who_start_one_pool_at_once_start_one_server(bench: Any) -> None:
    pool = bench.pool()
    placed = await bench.start(attrs.evolve(pool, spec=attrs.evolve(pool.spec, desired_instances=0)))
    wanted = attrs.evolve(placed, spec=pool.spec)

    states = await asyncio.gather(*(bench.another().ensure_running(wanted) for _ in range(6)))

    assert len({state.pid for state in states}) == 1


async def test_no_server_runs_as_root(bench: Any) -> None:
    state = await bench.ready(await bench.start(bench.pool()))

    uid = Path(f"/proc/{state.pid}").stat().st_uid
    assert uid != 0
    assert uid == os.geteuid() or os.geteuid() == 0


async def test_a_killed_server_starts_again_at_the_same_address_on_the_same_disk(bench: Any, home: Path) -> None:
    pool = await bench.start(bench.pool())
    first = await bench.ready(pool)
    (home / "disks/greeter/data/kept").write_text("data")
    os.kill(first.pid, signal.SIGKILL)
    await gone(first.pid)

    assert not (await bench.backend.observe(pool)).running
    again = await bench.another().ensure_running(pool)

    assert again.pid != first.pid
    assert (await bench.ready(pool)).ready
    assert (home / "disks/greeter/data/kept").read_text() == "data"


async def test_an_open_port_alone_is_not_ready(bench: Any) -> None:
    pool = await bench.start(bench.pool(mood="slow"))
    for _ in range(100):
        state = await bench.backend.observe(pool)
        if "listening" in state.log_tail:
            break
        await asyncio.sleep(0.02)

    assert "listening" in state.log_tail
    assert not (await bench.backend.observe(pool)).ready


async def test_a_strangers_server_on_our_port_is_not_taken_for_ours(bench: Any) -> None:
    pool = await bench.start(bench.pool())
    state = await bench.ready(pool)
    os.kill(state.pid, signal.SIGKILL)
    await gone(state.pid)
    server = await asyncio.start_server(greet, "127.0.0.1", pool.ports["main"])
    async with server:
        with pytest.raises(PoolCrashed, match=f"another process listens on its port {pool.ports['main']}"):
            await bench.another().ensure_running(pool)
        assert not (await bench.backend.observe(pool)).ready


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.write(b"HELLO")
    writer.close()


async def test_a_server_that_ends_at_once_shows_its_last_words(bench: Any) -> None:
    pool = await bench.start(bench.pool(mood="dies"))

    state = await bench.ready(pool)

    assert (state.started, state.running) == (True, 0)
    assert "cannot find the cellar" in state.log_tail


async def test_a_server_that_always_ends_is_left_alone_after_a_while(bench: Any) -> None:
    pool = await bench.start(bench.pool(mood="dies"))
    with pytest.raises(PoolCrashed, match="started 5 times in 60 s .*cannot find the cellar"):
        for _ in range(6):
            while (await bench.backend.observe(pool)).running:
                await asyncio.sleep(0.01)
            await bench.backend.ensure_running(pool)


async def test_who_does_not_want_to_stop_is_killed(bench: Any) -> None:
    pool = await bench.start(bench.pool(mood="stubborn"))
    state = await bench.ready(pool)

    stopped = attrs.evolve(pool, spec=attrs.evolve(pool.spec, desired_instances=0))
    assert (await bench.backend.ensure_running(stopped)).running == 0
    assert not session_members(state.pid)


async def test_children_of_a_server_go_with_it(bench: Any, home: Path) -> None:
    pool = await bench.start(bench.pool(mood="parent"))
    state = await bench.ready(pool)
    assert len(session_members(state.pid)) == 2

    await bench.backend.remove(pool.name)

    assert session_members(state.pid) == ()


async def test_a_pid_that_was_used_again_is_never_signalled(bench: Any, home: Path) -> None:
    pool = await bench.start(bench.pool())
    state = await bench.ready(pool)
    record = home / "pools/greeter/record"
    innocent = subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)
    try:
        truth = json.loads(record.read_text())
        record.write_text(json.dumps(truth | {"pid": innocent.pid}))
        assert not is_running(read_record(record).server)
        await bench.backend.remove(pool.name)
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()
    await gone(state.pid)  # it holds the lock of the disk, which proves that it is the pool's


async def test_secrets_reach_a_server_by_private_files_and_nobody_else(bench: Any, home: Path) -> None:
    secret = Secret.generate()
    files = (File("{run}/password", secret), File("{disk}/config", "port={port} disk={disk}"))

    pool = await bench.start(bench.pool(files=files, env={"PASSWORD": secret}))
    state = await bench.ready(pool)

    written = home / "pools/greeter/run/password"
    assert written.read_text() == secret.reveal()
    assert written.stat().st_mode & 0o777 == 0o600
    assert (
        home / "disks/greeter/data/config"
    ).read_text() == f"port={pool.ports['main']} disk={home}/disks/greeter/data"
    assert secret.reveal().encode() in Path(f"/proc/{state.pid}/environ").read_bytes()
    assert secret.reveal().encode() not in Path(f"/proc/{state.pid}/cmdline").read_bytes()


async def test_a_file_that_the_server_changes_is_written_once(bench: Any, home: Path) -> None:
    pool = await bench.start(bench.pool(files=(File("{disk}/users", "first", once=True),)))
    state = await bench.ready(pool)
    (home / "disks/greeter/data/users").write_text("changed")
    os.kill(state.pid, signal.SIGKILL)
    await gone(state.pid)

    await bench.backend.ensure_running(pool)

    assert (home / "disks/greeter/data/users").read_text() == "changed"


def test_a_start_survives_the_death_of_who_asked_for_it(bench: Any, home: Path) -> None:
    script = f"""
import asyncio, os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import conftest
from addonkit.compute.process.backend import ProcessBackend
backend = ProcessBackend(Path({str(home)!r}), environ={{"ADDONKIT_PROGRAMS": {str(bench.bin)!r}}})
bench = conftest.Bench(Path({str(home)!r}), Path({str(bench.bin)!r}), backend)
async def main():
    await bench.start(bench.pool())
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", script], timeout=60, check=False)

    record = read_record(home / "pools/greeter/record")
    assert ended.returncode == -signal.SIGKILL
    assert record is not None
    assert is_running(record.server)


async def test_a_disk_is_prepared_once_and_never_touched_again(bench: Any, home: Path) -> None:
    add_tool(bench, "prep", 'echo prepared >> "$1/times"')
    source = attrs.evolve(bench.pool().spec.program.source, executables=("greet", "prep"))
    pool = await bench.start(bench.pool(source=source, prepare=(("prep", "{disk}"),)))
    state = await bench.ready(pool)
    os.kill(state.pid, signal.SIGKILL)
    await gone(state.pid)

    await bench.backend.ensure_running(pool)

    assert (home / "disks/greeter/data/times").read_text() == "prepared\n"


async def test_a_failing_preparation_leaves_no_disk_and_says_why(bench: Any, home: Path) -> None:
    add_tool(bench, "prep", 'touch "$1/half"; echo the cellar is wet >&2; exit 3')
    source = attrs.evolve(bench.pool().spec.program.source, executables=("greet", "prep"))

    with pytest.raises(PoolCrashed, match="prep ended with status 3: the cellar is wet"):
        await bench.start(bench.pool(source=source, prepare=(("prep", "{disk}"),)))

    assert not (home / "disks/greeter/data").exists()


async def test_all_that_a_failing_preparation_said_is_in_a_note(bench: Any) -> None:
    add_tool(bench, "prep", "echo the reason >&2; seq 50 >&2; exit 3")
    source = attrs.evolve(bench.pool().spec.program.source, executables=("greet", "prep"))

    with pytest.raises(PoolCrashed) as caught:
        await bench.start(bench.pool(source=source, prepare=(("prep", "{disk}"),)))

    assert "the reason" not in str(caught.value)
    assert "prep said at its end:\nthe reason\n1\n" in caught.value.__notes__[0]


async def test_a_cancelled_preparation_is_killed_and_done_again(bench: Any, home: Path) -> None:
    add_tool(bench, "prep", 'if [ ! -e "$2" ]; then touch "$2"; sleep 60; fi; touch "$1/whole"')
    source = attrs.evolve(bench.pool().spec.program.source, executables=("greet", "prep"))
    pool = bench.pool(source=source, prepare=(("prep", "{disk}", "{run}/first"),))
    task = asyncio.create_task(bench.start(pool))
    while not (home / "pools/greeter/run/first").exists():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await bench.start(pool)

    assert sorted(path.name for path in (home / "disks/greeter").iterdir()) == ["data", "lock"]
    assert (home / "disks/greeter/data/whole").exists()


async def test_a_stale_lock_file_of_the_server_is_removed_a_live_one_respected(bench: Any, home: Path) -> None:
    pool = await bench.start(bench.pool(pid_file="server.pid"))
    state = await bench.ready(pool)
    lock = home / "disks/greeter/data/server.pid"
    os.kill(state.pid, signal.SIGKILL)
    await gone(state.pid)
    lock.write_text("999999\n")
    state = await bench.backend.ensure_running(pool)
    assert not lock.exists()

    os.kill(state.pid, signal.SIGKILL)
    await gone(state.pid)
    squatter = subprocess.Popen(["/bin/sleep", "60"], cwd=lock.parent)
    try:
        lock.write_text(f"{squatter.pid}\n")
        with pytest.raises(PoolCrashed, match=f"process {squatter.pid} uses its disk already"):
            await bench.backend.ensure_running(pool)
    finally:
        squatter.kill()
        squatter.wait()


async def test_what_nobody_wants_any_more_is_not_started(bench: Any) -> None:
    pool = await bench.start(bench.pool())
    await bench.backend.remove(pool.name)

    async def unwanted() -> bool:
        return False

    assert not (await bench.backend.ensure_running(pool, wanted=unwanted)).running
    assert list(bench.home.glob("locks/*")) == [], "the lock that was removed with it does not come back"


async def test_removing_what_is_gone_is_success(bench: Any) -> None:
    await bench.backend.remove("never-there")
    await bench.backend.delete_disk("never-there")


async def test_a_command_runs_beside_the_server(bench: Any) -> None:
    add_tool(bench, "tell", 'echo "port $1 as $(id -u) with $WORD"; exit 4')
    pool = await bench.start(bench.pool())

    result = await bench.backend.exec_in_pool(pool, ["tell", "{port}"], {"WORD": "w"}, 10)

    assert result.status == 4
    assert result.stdout.startswith(f"port {pool.ports['main']} as ")
    assert " as 0 " not in result.stdout


def test_ports_chosen_at_once_by_many_homes_never_meet(home: Path) -> None:
    script = """
import sys, time
from pathlib import Path
from addonkit.compute.process.ports import Ports
ports = Ports(Path(sys.argv[1]), range(25000, 25060))
print([ports.take(f"pool-{n}", ("main",))["main"] for n in range(5)], flush=True)
sys.stdin.read()
"""
    homes = [home / f"home-{n}" for n in range(6)]
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for path in homes
    ]
    taken = [json.loads(child.stdout.readline()) for child in children]
    for child in children:
        child.communicate("")

    flat = [port for ports in taken for port in ports]
    assert len(flat) == len(set(flat)) == 30


def test_a_held_port_is_refused_to_others_and_free_for_a_server() -> None:
    from addonkit.compute.process.ports import reserve

    held = next(each for port in range(26000, 26100) if (each := reserve(port)) is not None)
    with held, socket.socket() as server:
        port = held.getsockname()[1]
        assert reserve(port) is None
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()


def add_tool(bench: Any, name: str, body: str) -> None:
    path = bench.bin / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


async def gone(pid: int) -> None:
    while (status := read_status(pid)) is not None and not status.ended:
        await asyncio.sleep(0.01)
