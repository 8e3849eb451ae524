"""Data that are not in their place are never replaced by an empty disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from addonkit.compute.process.disk_records import MARK
from addonkit.errors import ComputeError, PoolCrashed
from addonkit.models.compute import File
from addonkit.util.procfs import read_status


async def started_and_killed(bench: Any, **changes: Any) -> Any:
    pool = await bench.start(bench.pool(files=(File("{disk}/users", "admin", once=True),), **changes))
    state = await bench.ready(pool)
    (bench.home / "disks/greeter/data/kept").write_text("data")
    os.kill(state.pid, signal.SIGKILL)
    while (status := read_status(state.pid)) is not None and not status.ended:
        pass
    return pool


def remove_data(disk: Path) -> None:
    shutil.rmtree(disk / "data")


def empty_data(disk: Path) -> None:
    shutil.rmtree(disk / "data")
    (disk / "data").mkdir()


def remove_disk(disk: Path) -> None:
    shutil.rmtree(disk)


def empty_disk(disk: Path) -> None:
    shutil.rmtree(disk)
    disk.mkdir()


def forget_mount(disk: Path) -> None:
    """What an empty file system has."""
    shutil.rmtree(disk / "data")
    (disk / "data/lost+found").mkdir(parents=True)


def exchange(disk: Path) -> None:
    (disk / "data" / MARK).write_text('{"id": "another"}')


def remove_file(disk: Path) -> None:
    (disk / "data/users").unlink()


def empty_file(disk: Path) -> None:
    os.truncate(disk / "data/users", 0)


def shell(command: str) -> None:
    subprocess.run(["sh", "-c", command], check=True)


LOSSES = (remove_data, empty_data, remove_disk, empty_disk, forget_mount, exchange, remove_file, empty_file)


@pytest.mark.parametrize("lose", LOSSES)
async def test_a_server_does_not_start_without_its_data(bench: Any, home: Path, lose: Callable[[Path], None]) -> None:
    pool = await started_and_killed(bench)
    disk = home / "disks/greeter"
    lose(disk)
    before = sorted(path.relative_to(disk) for path in disk.rglob("*")) if disk.exists() else None

    for _ in range(2):
        with pytest.raises(
            PoolCrashed, match=r"its data are not (at|whole).*disks/greeter/data.*mount or restore them"
        ):
            await bench.another().ensure_running(pool)

    after = sorted(path.relative_to(disk) for path in disk.rglob("*")) if disk.exists() else None
    assert after == before
    await bench.backend.remove(pool.name)
    await bench.backend.delete_disk("greeter")
    assert not list((home / "disks").iterdir())
    assert not list((home / "prepared").iterdir())


async def test_data_that_are_back_in_their_place_are_used_again(bench: Any, home: Path) -> None:
    pool = await started_and_killed(bench)
    data = home / "disks/greeter/data"
    data.rename(home / "aside")
    with pytest.raises(PoolCrashed, match="it is missing"):
        await bench.backend.ensure_running(pool)
    (home / "aside").rename(data)

    assert (await bench.backend.ensure_running(pool)).running
    assert (await bench.ready(pool)).ready
    assert (data / "kept").read_text() == "data"


async def test_restored_data_without_a_mark_are_used_when_that_is_said(bench: Any, home: Path) -> None:
    pool = await started_and_killed(bench)
    mark = home / "disks/greeter/data" / MARK
    mark.unlink()
    with pytest.raises(PoolCrashed, match=f"run `cp {home}/prepared/greeter {mark}`"):
        await bench.backend.ensure_running(pool)
    shutil.copy(home / "prepared/greeter", mark)

    assert (await bench.backend.ensure_running(pool)).running


async def test_a_disk_from_before_disks_were_remembered_is_remembered(bench: Any, home: Path) -> None:
    pool = await started_and_killed(bench)
    shutil.rmtree(home / "prepared")
    (home / "disks/greeter/data" / MARK).unlink()

    assert (await bench.backend.ensure_running(pool)).running

    assert (home / "prepared/greeter").read_text().startswith('{"id"')


async def test_a_disk_of_any_depth_is_removed(bench: Any, home: Path) -> None:
    pool = await started_and_killed(bench)
    await bench.backend.remove(pool.name)
    descriptor = os.open(home / "disks/greeter/data", os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("deep", dir_fd=descriptor)
        inner = os.open("deep", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)

    await bench.backend.delete_disk("greeter")

    assert not list((home / "disks").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="an immutable file needs root")
async def test_what_cannot_be_removed_is_a_failure_and_seen_until_it_is_gone(bench: Any, home: Path) -> None:
    pool = await started_and_killed(bench)
    await bench.backend.remove(pool.name)
    data = home / "disks/greeter/data"
    mounted = data / "busy"
    mounted.mkdir()
    shell(f"mount -t tmpfs none {mounted}")
    try:
        with pytest.raises(ComputeError, match="cannot remove all data of disk greeter"):
            await bench.backend.delete_disk("greeter")
        assert await bench.backend.disks_here() == ("greeter",)
        with pytest.raises(ComputeError, match="cannot remove all data of disk greeter"):
            await bench.backend.delete_disk("greeter")
    finally:
        shell(f"umount $(findmnt -rno TARGET | grep {home})")

    await bench.backend.delete_disk("greeter")
    assert await bench.backend.disks_here() == ()


async def test_a_server_whose_home_was_removed_is_seen_and_ended(bench: Any, home: Path) -> None:
    pool = await bench.start(bench.pool())
    state = await bench.ready(pool)
    shutil.rmtree(home / "pools")
    shutil.rmtree(home / "disks")

    assert await bench.another().pools_here() == ("greeter",)
    await bench.another().remove("greeter")

    status = read_status(state.pid)
    assert status is None or status.ended
    assert await bench.another().pools_here() == ()
