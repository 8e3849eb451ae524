"""Measures what a new server's disk costs where the file system copies by reference (FICLONE), and elsewhere.

Makes file systems in files and mounts them: it needs root, loop devices, and the program that makes each; what is not
there is left out. ext4 does not copy by reference. On each a home prepares its cluster, then creates servers. The table
shows a copy of the prepared cluster with its synchronisation, and the space that it takes.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench_process import begin

import addonkit
from addonkit.testing.home import kill_servers
from addonkit.util.file_trees import copy_tree, sync_file_system

TURNS: Final = int(os.environ.get("ROUNDS", "5"))
SIZE: Final = 2 * 2**30
MAKE: Final = {"ext4": ["mkfs.ext4", "-q"], "xfs": ["mkfs.xfs", "-q"], "btrfs": ["mkfs.btrfs", "-q"]}


@contextmanager
def mounted(kind: str, folder: Path, size: int = SIZE) -> Iterator[Path | None]:
    """Mount a new file system of a kind; None when that cannot be done here."""
    image, place = folder / f"{kind}.img", folder / kind
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(size)
    try:
        subprocess.run([*MAKE[kind], image], check=True, capture_output=True)
        subprocess.run(["mount", "-o", "loop", image, place], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def used(place: Path) -> int:
    """Return bytes in use on a file system."""
    sync_file_system(place)
    status = os.statvfs(place)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def copies(home: Path) -> tuple[list[float], list[int]]:
    """Return seconds and bytes that copies of the prepared cluster take."""
    prepared = next(home.glob("templates/*/data"))
    seconds, taken = [], []
    for turn in range(TURNS):
        before, began = used(home), time.perf_counter()
        target = home / f"copy-{turn}"
        target.mkdir()
        copy_tree(prepared, target)
        sync_file_system(home)
        seconds.append(time.perf_counter() - began)
        taken.append(used(home) - before)
    return seconds, taken


async def creates(home: Path) -> list[float]:
    """Return seconds that `create postgresql:small` takes in a home with a prepared cluster; each server answers."""
    seconds = []
    async with addonkit.open(home) as kit:
        for turn in range(TURNS + 1):
            began = time.perf_counter()
            await kit.create("postgresql:small", app=f"app{turn}")
            seconds.append(time.perf_counter() - began)
            await kit.destroy(f"app{turn}-postgresql", now=True)
    return seconds[1:]


def measure(kind: str, place: Path) -> None:
    """Print one row."""
    home = place / "home"
    home.mkdir(mode=0o711)
    try:
        created = statistics.median(asyncio.run(creates(home)))
        seconds, taken = copies(home)
    finally:
        kill_servers(home)
    millions = statistics.median(taken) / 1e6
    print(f"| {kind} | {statistics.median(seconds) * 1000:.0f} ms | {millions:.1f} MB | {created * 1000:.0f} ms |")


def main() -> int:
    """Measure what there is, and print the table."""
    begin()
    print("| file system | copy of the prepared cluster | space | `create postgresql:small`, in process |")
    print("| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory(prefix="addonkit-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        for kind in MAKE:
            with mounted(kind, folder) as place:
                if place is None:
                    print(f"{kind} cannot be made or mounted here", file=sys.stderr)
                else:
                    measure(kind, place)
    return 0


if __name__ == "__main__":
    sys.exit(main())
