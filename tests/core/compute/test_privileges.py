"""Root's hand is never turned by what a server may have put in its way; containers' root can work too."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from addonkit.compute.process.open_files import working_in
from addonkit.compute.process.server_users import uid_range
from addonkit.errors import Busy, InvalidName, PoolCrashed
from addonkit.models.compute import Disk, File
from addonkit.util.procfs import read_status

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="about what root does for others")


async def kill(bench: Any, pool: Any) -> None:
    state = await bench.ready(pool)
    os.kill(state.pid, signal.SIGKILL)
    while (status := read_status(state.pid)) is not None and not status.ended:
        await asyncio.sleep(0.01)


@only_root
async def test_files_are_written_by_the_service_user_not_by_root(bench: Any, home: Path) -> None:
    target = home / "roots"
    target.mkdir(mode=0o755)
    pool = await bench.start(bench.pool(files=(File("{run}/conf/settings", "mine"),), mood="kind"), start=False)
    run = home / "pools/greeter/run"
    run.mkdir(parents=True)
    (run / "conf").symlink_to(target)

    with pytest.raises(PoolCrashed, match="Permission denied"):
        await bench.backend.ensure_running(pool)

    assert list(target.iterdir()) == []


@only_root
async def test_a_server_cannot_replace_its_disk(bench: Any, home: Path) -> None:
    await bench.start(bench.pool())

    assert (home / "disks/greeter").stat().st_uid == 0
    assert (home / "pools/greeter").stat().st_uid == 0
    assert (home / "disks/greeter/data").stat().st_uid in uid_range({})
    assert (home / "disks/greeter/data").stat().st_mode & 0o777 == 0o700


@only_root
async def test_data_keep_their_user_when_another_one_is_chosen(bench: Any, home: Path) -> None:
    pool = await bench.start(bench.pool())
    await kill(bench, pool)
    data = home / "disks/greeter/data"
    os.chown(data, 12345, 12345)

    state = await bench.backend.ensure_running(pool)

    assert Path(f"/proc/{state.pid}").stat().st_uid == 12345
    assert (await bench.ready(pool)).ready


@only_root
def test_root_without_the_right_to_trace_finds_its_servers_ready(home: Path) -> None:
    script = f"""
import asyncio, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import conftest
async def main():
    home = Path({str(home)!r})
    bench = await anext(conftest.make_bench(home))
    pool = await bench.start(bench.pool())
    print((await bench.ready(pool)).ready, len(conftest.working_in(home / "disks", bench.backend._layout.user_of(pool))))
    await bench.backend.remove(pool.name)
asyncio.run(main())
"""
    drop = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace"]
    said = subprocess.run([*drop, sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout == "1 1\n"


async def test_a_disk_that_is_worked_on_is_not_deleted(bench: Any, home: Path) -> None:
    pool = await bench.start(bench.pool())
    with pytest.raises(Busy, match="cannot delete disk greeter: server greeter runs on it"):
        await bench.backend.delete_disk("greeter")
    await bench.backend.remove(pool.name)
    squatter = subprocess.Popen(["/bin/sleep", "60"], cwd=home / "disks/greeter/data")
    try:
        with pytest.raises(Busy, match=f"process {squatter.pid} works on it"):
            await bench.backend.delete_disk("greeter")
    finally:
        squatter.kill()
        squatter.wait()

    await bench.backend.delete_disk("greeter")

    assert not list((home / "disks").iterdir())


async def test_many_who_delete_at_once_all_succeed(bench: Any) -> None:
    await bench.backend.ensure_disk(Disk("lonely", 1))
    await asyncio.gather(*(bench.another().delete_disk("lonely") for _ in range(5)))
    assert await bench.backend.disks_here() == ()


@pytest.mark.parametrize("name", ["../outside", "", ".", ".hidden", "a/b", "a\0b", "x" * 129])
async def test_no_name_leads_out_of_the_home(bench: Any, name: str) -> None:
    pool = attrs.evolve(bench.pool(), name=name)
    with pytest.raises(InvalidName):
        await bench.backend.ensure_disk(Disk(name, 1))
    with pytest.raises(InvalidName):
        await bench.backend.delete_disk(name)
    with pytest.raises(InvalidName):
        await bench.backend.remove(name)
    with pytest.raises(InvalidName):
        await bench.backend.ensure_running(pool)


def test_who_works_in_a_directory_is_seen(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner-not").mkdir()
    inside = subprocess.Popen(["/bin/sleep", "60"], cwd=tmp_path / "inner")
    beside = subprocess.Popen(["/bin/sleep", "60"], cwd=tmp_path / "inner-not")
    try:
        assert working_in(tmp_path / "inner", None) == (inside.pid,)
    finally:
        for each in (inside, beside):
            each.kill()
            each.wait()
