"""What happens to servers when those who started them, or they themselves, die at bad moments."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from addonkit.compute.process.identity import session_members
from addonkit.compute.process.logs import tail
from addonkit.compute.process.record import read_record
from addonkit.errors import CommandFailed, PoolCrashed
from addonkit.models.compute import File
from addonkit.models.secret import Secret
from addonkit.util.procfs import boot_id, read_status


async def gone(pid: int) -> None:
    while (status := read_status(pid)) is not None and not status.ended:
        await asyncio.sleep(0.01)


def stopped(pool: Any) -> Any:
    return attrs.evolve(pool, spec=attrs.evolve(pool.spec, desired_instances=0))


async def test_stopping_on_purpose_is_no_crash(bench: Any) -> None:
    pool = await bench.start(bench.pool())
    for _ in range(6):
        assert (await bench.backend.ensure_running(stopped(pool))).running == 0
        assert (await bench.backend.ensure_running(pool)).running == 1


async def test_children_of_a_killed_server_are_ended_before_it_starts_again(bench: Any) -> None:
    pool = await bench.start(bench.pool(mood="parent"))
    state = await bench.ready(pool)
    (child,) = set(session_members(state.pid)) - {state.pid}
    os.kill(state.pid, signal.SIGKILL)
    await gone(state.pid)
    assert session_members(state.pid) == (child,)

    again = await bench.backend.ensure_running(pool)

    assert again.running
    assert again.pid != state.pid
    assert session_members(state.pid) == ()


async def test_a_strangers_session_of_the_same_number_is_left_alone(bench: Any, home: Path) -> None:
    """The leader is gone, a child of it is left: only what it has open tells whose it is."""
    pool = await bench.start(bench.pool())
    server = (await bench.ready(pool)).pid
    stranger = subprocess.Popen(
        ["/bin/sh", "-c", "sleep 60 & echo $!"], start_new_session=True, stdout=subprocess.PIPE, text=True, cwd="/"
    )
    child = int(stranger.stdout.readline())
    stranger.stdout.close()
    stranger.wait()
    record = home / "pools/greeter/record"
    truth = record.read_text()
    try:
        record.write_text(json.dumps(json.loads(truth) | {"pid": stranger.pid, "boot": boot_id()}))
        await bench.backend.remove(pool.name)
        assert read_status(child).state != "Z"
    finally:
        os.kill(child, signal.SIGKILL)
        os.kill(server, signal.SIGKILL)


async def test_what_cannot_be_executed_is_told_at_once(bench: Any, home: Path) -> None:
    bench.tool("broken", "")
    (bench.bin / "broken").write_text("#!/no/such/interpreter\n")
    source = attrs.evolve(bench.pool().spec.program.source, executables=("greet", "broken"))

    with pytest.raises(PoolCrashed, match="starting server greeter: it could not be launched: .*broken"):
        await bench.start(bench.pool(source=source, argv=("broken",)))


async def test_a_launcher_that_outlives_its_caller_keeps_others_away(bench: Any, home: Path) -> None:
    """The caller is killed right after it has given the order; whoever comes next finds one server."""
    bench.tool("slow-python", f'sleep 0.7; touch {home}/late; exec {sys.executable} "$@"')
    script = f"""
import asyncio, os, signal, subprocess, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import conftest
class Dying(subprocess.Popen):
    def communicate(self, input=None, timeout=None):
        self.stdin.write(input); self.stdin.close()
        os.kill(os.getpid(), signal.SIGKILL)
async def main():
    bench = await anext(conftest.make_bench(Path({str(home)!r})))
    pool = await bench.start(bench.pool(), start=False)
    bench.backend.find_programs(conftest.definition(pool))
    subprocess.Popen = Dying
    sys.executable = {str(bench.bin / "slow-python")!r}
    await bench.backend.ensure_running(pool)
asyncio.run(main())
"""
    ended = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not (home / "late").exists()

    await bench.start(bench.pool())

    assert (home / "late").exists()
    assert pids_on(home) == [read_record(home / "pools/greeter/record").server.pid]


def pids_on(home: Path) -> list[int]:
    """Pids of the test's servers, found by what they were called with."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(word == str(home / "disks/greeter/data").encode() for word in words):
                found.append(int(entry.name))
    return found


async def test_a_preparation_goes_on_alone_and_keeps_its_lock(bench: Any, home: Path) -> None:
    bench.tool("prep", 'echo $$ >> "$2"; while [ ! -e "$2.go" ]; do sleep 0.02; done; touch "$1/whole"')
    script = f"""
import asyncio, attrs, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import conftest
async def main():
    home = Path({str(home)!r})
    bench = conftest.Bench(home, home / "bin", conftest.backend_on(home))
    await bench.start(bench.prepared("{{disk}}", "{{run}}/said"))
asyncio.run(main())
"""
    caller = subprocess.Popen([sys.executable, "-c", script])
    said = home / "pools/greeter/run/said"
    while not said.exists() or not said.read_text().strip():
        await asyncio.sleep(0.01)
    caller.kill()
    caller.wait()
    orphan = int(said.read_text())
    again = asyncio.create_task(bench.start(bench.prepared("{disk}", "{run}/said")))
    await asyncio.sleep(0.3)
    assert said.read_text().split() == [str(orphan)]
    (home / "pools/greeter/run/said.go").touch()
    await again

    assert len(said.read_text().split()) == 2
    assert sorted(path.name for path in (home / "disks/greeter").iterdir()) == ["data", "lock"]


async def test_secrets_for_preparing_are_gone_afterwards_whatever_happens(bench: Any, home: Path) -> None:
    bench.tool("prep", 'cat "$1" > /dev/null && exit ${2:-0}')
    files = (File("{run}/password", Secret.generate()),)
    with pytest.raises(PoolCrashed):
        await bench.start(bench.prepared("{run}/password", "3", prepare_files=files))
    assert not (home / "pools/greeter/run/password").exists()
    assert [path.name for path in (home / "disks/greeter").iterdir()] == ["lock"]

    await bench.start(bench.prepared("{run}/password", prepare_files=files))
    assert not (home / "pools/greeter/run/password").exists()


async def test_a_command_that_takes_too_long_is_killed_with_its_children(bench: Any, home: Path) -> None:
    bench.tool("dally", 'sleep 600 & echo $! > "$1"; wait')
    pool = await bench.start(bench.pool())

    with pytest.raises(CommandFailed, match=r"running dally beside greeter: it took over 0.3 s"):
        await bench.backend.exec_in_pool(pool, ["dally", "{run}/child", "hidden-argument"], {}, 0.3)

    await gone(int((home / "pools/greeter/run/child").read_text()))


async def test_of_a_long_output_the_end_is_kept(bench: Any) -> None:
    bench.tool("talk", "head -c 3000000 /dev/zero | tr '\\0' x; echo end")
    pool = await bench.start(bench.pool())

    result = await bench.backend.exec_in_pool(pool, ["talk"], {}, 30)

    assert len(result.stdout) == 1024 * 1024
    assert result.stdout.endswith("xend\n")


async def test_a_server_gets_signals_as_if_it_were_started_by_hand(bench: Any) -> None:
    state = await bench.ready(await bench.start(bench.pool(argv=("greet", "{port}", "{disk}", "kind"))))
    lines = Path(f"/proc/{state.pid}/status").read_text().splitlines()
    ignored = int(next(line.split()[1] for line in lines if line.startswith("SigIgn")), 16)
    # Python itself, which the server is written in, ignores two. Those the C library keeps for itself (32 and 33) no
    # program can set back, so a server has them as whoever started the test has.
    unwanted = signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}
    assert {number for number in unwanted if ignored & (1 << number - 1)} == set()


async def test_nothing_unwanted_is_open_in_a_server(bench: Any, home: Path) -> None:
    state = await bench.ready(await bench.start(bench.pool()))
    opened = [str(path.readlink()) for path in Path(f"/proc/{state.pid}/fd").iterdir()]
    log = str(home / "pools/greeter/log")
    assert sorted(path for path in opened if not path.startswith("socket:")) == sorted(
        ["/dev/null", log, log, str(home / "disks/greeter/lock")]
    )


def test_a_log_shows_nothing_that_a_terminal_obeys(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"old\n\x1b[2Jred\xff\tplain\n")
    assert tail(tmp_path / "log") == "old\n\ufffd[2Jred\ufffd\tplain"


async def test_limits_of_the_first_commands_shell_are_not_the_servers(bench: Any, home: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (900, before[1]))
    try:
        state = await bench.ready(await bench.start(bench.pool()))
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)

    lines = Path(f"/proc/{state.pid}/limits").read_text().splitlines()
    assert not any("900" in line.split() for line in lines if line.startswith("Max cpu time"))
    assert os.getpriority(os.PRIO_PROCESS, state.pid) == 0
