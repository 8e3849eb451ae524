"""A home that several containers share never has two servers on one disk, whichever of them started the first."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from addonkit.compute.process.disk_lock import is_held
from addonkit.compute.process.record import read_record
from addonkit.errors import Busy, PoolCrashed
from addonkit.util.procfs import pid_namespace, read_status

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make namespaces")
CONTAINER = (
    *("unshare", "--pid", "--fork", "--mount-proc", "--net", "--ipc"),
    *("sh", "-c", 'ip link set lo up; exec "$@"', "sh"),
)
ELSEWHERE = "a server of another container or namespace works on its disk"

SCRIPT = """
import asyncio, json, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import conftest
async def outcome(work):
    try:
        return repr(await work)
    except Exception as error:
        return str(error)
async def main():
    bench = await anext(conftest.make_bench(Path({home!r})))
    pool = await bench.start(bench.pool(), start=False)
    {body}
asyncio.run(main())
"""

TRY_ALL = """
    said = {
        "observe": (await bench.backend.observe(pool)).problem,
        "start": await outcome(bench.backend.ensure_running(pool)),
        "remove": await outcome(bench.backend.remove(pool.name)),
        "delete": await outcome(bench.backend.delete_disk(pool.name)),
    }
    print(json.dumps(said))
"""

START_AND_STAY = """
    await bench.backend.ensure_running(pool)
    print((await bench.ready(pool)).ready, flush=True)
    sys.stdin.read()
"""


def script(home: Path, body: str) -> list[str]:
    return [sys.executable, "-c", SCRIPT.format(tests=str(Path(__file__).parent), home=str(home), body=body.strip())]


def in_container(home: Path, body: str) -> dict[str, str]:
    ended = subprocess.run([*CONTAINER, *script(home, body)], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    answer: dict[str, str] = json.loads(ended.stdout)
    return answer


@only_root
async def test_a_container_that_comes_second_starts_nothing_and_removes_nothing(bench: Any, home: Path) -> None:
    pool = await bench.start(bench.pool(pid_file="guard"))
    first = await bench.ready(pool)
    guard = home / "disks/greeter/data/guard"
    guard.write_text(str(first.pid))

    said = await asyncio.to_thread(in_container, home, TRY_ALL)

    assert all(ELSEWHERE in said[each] for each in ("observe", "start", "remove")), said
    assert "greeter" in said["delete"]
    assert guard.read_text() == str(first.pid)
    assert (await bench.backend.observe(pool)).pid == first.pid


@only_root
async def test_the_host_that_comes_second_starts_nothing_and_removes_nothing(bench: Any, home: Path) -> None:
    container = subprocess.Popen(
        [*CONTAINER, *script(home, START_AND_STAY)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert (await asyncio.to_thread(container.stdout.readline)).strip() == "1"
        pool = await bench.start(bench.pool(), start=False)
        assert read_record(home / "pools/greeter/record").server.pids != pid_namespace()

        assert ELSEWHERE in (await bench.backend.observe(pool)).problem
        with pytest.raises(PoolCrashed, match=ELSEWHERE):
            await bench.backend.ensure_running(pool)
        with pytest.raises(Busy, match=ELSEWHERE):
            await bench.backend.remove(pool.name)
        with pytest.raises(Busy, match="greeter"):
            await bench.backend.delete_disk("greeter")
    finally:
        container.communicate("")

    # The container has ended, and its server with it: nothing stands in the way any more.
    assert (await bench.backend.ensure_running(pool)).running
    assert (await bench.ready(pool)).ready


@only_root
@pytest.mark.parametrize("hide", ["mount -t tmpfs none /proc", "mount -o remount,hidepid=2 /proc"])
async def test_where_proc_is_hidden_or_missing_there_is_no_second_server(bench: Any, home: Path, hide: str) -> None:
    pool = await bench.start(bench.pool())
    first = await bench.ready(pool)
    command = ["unshare", "--mount", "sh", "-c", f'{hide}; exec "$@"', "sh", *script(home, TRY_ALL)]

    ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 0, ended.stderr
    if "tmpfs" in hide:
        assert ELSEWHERE in json.loads(ended.stdout)["start"]
        assert (await bench.backend.observe(pool)).pid == first.pid
    else:
        assert f"pid={first.pid}" in json.loads(ended.stdout)["start"]  # root sees through it: it is the same server


@only_root
async def test_a_damaged_record_does_not_lead_to_a_second_server(bench: Any, home: Path) -> None:
    pool = await bench.start(bench.pool())
    first = await bench.ready(pool)
    (home / "pools/greeter/record").write_text("{")

    with pytest.raises(PoolCrashed, match=f"process {first.pid} uses its disk already"):
        await bench.backend.ensure_running(pool)

    os.kill(first.pid, signal.SIGKILL)
    assert (await bench.backend.ensure_running(pool)).running


async def test_the_lock_is_free_when_the_last_process_of_a_server_has_ended(bench: Any, home: Path) -> None:
    pool = await bench.start(bench.pool())
    lock = home / "disks/greeter/lock"
    await bench.ready(pool)
    assert is_held(lock)

    await bench.backend.remove(pool.name)

    assert not is_held(lock)


async def test_children_with_sessions_of_their_own_are_ended_with_their_server(bench: Any, home: Path) -> None:
    bench.tool("family", 'setsid sleep 600 & echo $! > "$2/child"; exec greet "$1" "$2" kind')
    source = bench.pool().spec.program.source
    source = attrs.evolve(source, executables=("greet", "family"))
    pool = await bench.start(bench.pool(source=source, argv=("family", "{port}", "{disk}")))
    await bench.ready(pool)
    child = int((home / "disks/greeter/data/child").read_text())

    await bench.backend.remove(pool.name)

    status = read_status(child)
    assert status is None or status.ended
    await bench.backend.delete_disk("greeter")


async def test_a_server_that_closes_what_it_inherited_is_kept_alone_all_the_same(bench: Any, home: Path) -> None:
    bench.tool(
        "closing", 'exec python3 -c "import os,sys; os.closerange(3, 99); os.execvp(sys.argv[1], sys.argv[1:])" "$@"'
    )
    source = attrs.evolve(bench.pool().spec.program.source, executables=("greet", "closing"))
    pool = await bench.start(bench.pool(source=source, argv=("closing", "greet", "{port}", "{disk}", "kind")))
    first = await bench.ready(pool)

    assert is_held(home / "disks/greeter/lock")
    assert (await bench.another().ensure_running(pool)).pid == first.pid
    await bench.backend.remove(pool.name)
    assert not is_held(home / "disks/greeter/lock")
