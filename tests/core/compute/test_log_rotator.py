"""A log is bounded while no command runs; what bounds it never holds up, ends or outlives the server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from addonkit.compute.process.disk_lock import is_held
from addonkit.compute.process.log_rotator import COPIED, KEPT, LOCK, LONGEST, rotate
from addonkit.compute.process.logs import is_rotated
from addonkit.compute.process.record import read_record
from addonkit.errors import PoolCrashed
from addonkit.util.log_tail import LogTail
from addonkit.util.procfs import all_pids

WRITER = """
import os, signal, socket, sys
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen()
while True:
    client, _ = server.accept()
    asked = client.recv(100)
    if asked.startswith(b"write"):
        for number in range(int(asked.split()[1])):
            os.write(1, b"%08d %s\\n" % (number, b"x" * 1014))
    client.sendall(b"HELLO")
    client.close()
"""


@pytest.fixture
def writer(bench: Any) -> Any:
    (bench.bin / "writer.py").write_text(WRITER)
    (bench.bin / "writer.py").chmod(0o755)
    python = "/usr/bin/python3" if os.geteuid() == 0 else sys.executable
    bench.tool("greet", f'[ $# -gt 1 ] || {{ echo "greet 1.7"; exit; }}\nexec {python} {bench.bin}/writer.py "$@"')
    return bench


async def write(pool: Any, lines: int) -> None:
    """Have the server write so many KiB; returns when they are written."""
    reader, stream = await asyncio.open_connection("127.0.0.1", pool.ports["main"])
    stream.write(b"write %d" % lines)
    assert await reader.read() == b"HELLO"
    stream.close()


def rotators(directory: Path) -> list[int]:
    found = []
    for pid in all_pids():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(directory).encode() in words and any(each.endswith(b"log_rotator.py") for each in words):
            found.append(pid)
    return found


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


def sizes(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in directory.glob("log*") if path.is_file()}


async def test_a_log_is_bounded_while_no_command_runs(writer: Any, home: Path) -> None:
    pool = await writer.start(writer.pool())
    await writer.ready(pool)
    directory = home / "pools/greeter"
    await until(lambda: is_rotated(directory))
    await writer.backend.close()

    follower = LogTail(str(directory / "log"))
    follower.last(0)
    seen: list[str] = []
    for _ in range(4):
        await write(pool, 11 * 1024)
        await until(lambda: (seen.extend(follower.more()), sizes(directory)["log"] == 0)[1])
    seen += follower.more()

    assert set(sizes(directory)) == {"log", "log.1", "log.2", "log.3"}
    assert max(sizes(directory).values()) <= COPIED
    numbers = [int(line.split()[0]) for line in seen]
    assert numbers == [*range(11 * 1024)] * 4

    await until(lambda: len(rotators(directory)) == 1)  # one that is not needed is about to end
    (rotator,) = rotators(directory)
    opened = {str(each.readlink()) for each in Path(f"/proc/{rotator}/fd").iterdir()}
    known = {os.devnull, str(directory), str(directory / LOCK)}
    assert [each for each in opened - known if "pidfd" not in each] == []
    assert Path(f"/proc/{rotator}/environ").read_bytes() == b""
    record = read_record(directory / "record")
    os.kill(record.server.pid, signal.SIGKILL)
    await until(lambda: not rotators(directory))
    assert not is_held(home / "disks/greeter/lock")


async def test_a_server_does_not_notice_when_its_rotator_is_stopped_or_dies(writer: Any, home: Path) -> None:
    pool = await writer.start(writer.pool())
    state = await writer.ready(pool)
    directory = home / "pools/greeter"
    await until(lambda: is_rotated(directory) and len(rotators(directory)) == 1)
    (rotator,) = rotators(directory)

    os.kill(rotator, signal.SIGSTOP)
    await write(pool, 11 * 1024)
    assert sizes(directory)["log"] > LONGEST
    os.kill(rotator, signal.SIGKILL)
    await until(lambda: not is_rotated(directory))
    await write(pool, 10)

    record = json.loads((directory / "record").read_text())
    (directory / "record").write_text(json.dumps(record | {"starts": [each - 60 for each in record["starts"]]}))
    again = await writer.backend.observe(pool)

    assert (again.ready, again.pid) == (1, state.pid)
    await until(lambda: sizes(directory)["log"] == 0 and len(rotators(directory)) == 1)


async def test_a_server_that_is_started_again_has_one_rotator(writer: Any, home: Path) -> None:
    directory = home / "pools/greeter"
    pool = await writer.start(writer.pool())
    for _ in range(3):
        state = await writer.ready(pool)
        os.kill(state.pid, signal.SIGKILL)
        await until(lambda: not (home / "disks/greeter/lock").exists() or not is_held(home / "disks/greeter/lock"))
        await writer.backend.ensure_running(pool)
    await writer.ready(pool)
    await until(lambda: is_rotated(directory) and len(rotators(directory)) == 1)

    await writer.backend.remove("greeter")

    await until(lambda: not rotators(directory))
    assert not directory.exists()


async def test_a_rotator_follows_a_home_that_is_moved(writer: Any, home: Path, tmp_path: Path) -> None:
    pool = await writer.start(writer.pool())
    await writer.ready(pool)
    directory = home / "pools/greeter"
    await until(lambda: is_rotated(directory))
    moved = home.parent / "moved"
    home.rename(moved)
    try:
        await write(pool, 11 * 1024)
        await until(lambda: sizes(moved / "pools/greeter")["log"] == 0)
    finally:
        moved.rename(home)


def place_of(directory: Path) -> int:
    return os.open(directory, os.O_RDONLY | os.O_DIRECTORY)


def test_of_a_log_with_a_hole_the_end_alone_is_copied(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"")
    os.truncate(log, 3 * 1024**3)
    with log.open("ab") as file:
        file.write(b"end")

    assert rotate(place_of(tmp_path))

    assert (tmp_path / "log.1").stat().st_size == COPIED
    assert (tmp_path / "log.1").read_bytes().endswith(b"end")
    assert log.stat().st_size == 0


def test_rotated_logs_are_few(tmp_path: Path) -> None:
    for number in range(KEPT + 2):
        (tmp_path / "log").write_bytes(b"%d" % number * (LONGEST + 1))
        assert rotate(place_of(tmp_path))
    assert set(sizes(tmp_path)) == {"log", *(f"log.{number}" for number in range(1, KEPT + 1))}
    assert (tmp_path / "log.1").read_bytes()[:1] == b"%d" % (KEPT + 1)


def test_a_link_in_the_place_of_a_log_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"x" * (LONGEST + 1))
    pool = tmp_path / "pool"
    pool.mkdir()
    (pool / "log").symlink_to(precious)

    assert not rotate(place_of(pool))

    assert precious.stat().st_size == LONGEST + 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_on_a_full_disk_a_log_is_emptied_all_the_same(tmp_path: Path) -> None:
    script = f"""
mount -t tmpfs -o size=12m none {tmp_path}
head -c {LONGEST + 1} /dev/zero > {tmp_path}/log
{sys.executable} -c 'import os; from addonkit.compute.process.log_rotator import rotate
print(rotate(os.open("{tmp_path}", os.O_RDONLY)), sorted(os.listdir("{tmp_path}")), os.stat("{tmp_path}/log").st_size)'
"""
    ended = subprocess.run(["unshare", "--mount", "sh", "-ec", script], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "True ['log'] 0"


def test_a_follower_of_a_log_loses_nothing_over_rotations(tmp_path: Path) -> None:
    log, place, done = tmp_path / "log", place_of(tmp_path), threading.Event()
    log.write_bytes(b"")
    reader, seen = LogTail(str(log)), []
    reader.last(0)

    def writing() -> None:
        with log.open("ab", buffering=0) as file:
            for number in range(40):
                file.write(b"%d " % number + b"y" * 1024 * 1024 + b"\n")
                if rotate(place):
                    time.sleep(0.1)
        done.set()

    thread = threading.Thread(target=writing)
    thread.start()
    while not done.is_set():
        seen += reader.more()
    thread.join()
    seen += reader.more()

    assert [int(line.split()[0]) for line in seen] == [*range(40)]
    assert all(len(line) <= 64 * 1024 for line in seen)


def test_a_follower_reads_nothing_twice_when_a_rotated_log_is_removed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for number in (3, 2, 1):
        (tmp_path / f"log.{number}").write_text(f"rotated {number}\n")
    log.write_text("first\n")
    reader = LogTail(str(log))
    assert reader.last(1) == ["first"]

    (tmp_path / "log.1").unlink()
    with log.open("a") as file:
        file.write("second\n")

    assert reader.more() == ["second"]


def test_a_line_without_end_takes_no_memory(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        file.write(b"first\n")
        file.write(b"z" * 20 * 1024 * 1024)
        file.write(b"\nlast\n")
    assert [len(line) for line in LogTail(str(log)).last(3)] == [5, 64 * 1024, 4]


async def test_a_log_of_preparations_is_bounded(bench: Any, home: Path) -> None:
    bench.tool("prep", "head -c 11000000 /dev/zero | tr '\\0' 'p'; echo; exit 3")
    pool = bench.prepared()
    for _ in range(3):
        with pytest.raises(PoolCrashed):
            await bench.start(pool)
    assert sum(path.stat().st_size for path in (home / "pools/greeter").glob("prepare.log*")) < 2 * LONGEST
