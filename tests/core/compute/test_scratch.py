"""The private folder of a command: there while the command and what it started run, and never longer."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from addonkit.errors import CommandFailed

HELD = """
import asyncio, sys
from addonkit.compute.process.pipes import piped
from addonkit.compute.process.scratch import scratch_folder

async def main():
    env = {"TMPDIR": sys.argv[1], "PATH": "/usr/bin:/bin"}
    argv = ["/bin/sh", "-c", "read word; touch $0/late; echo $word; while test -e $1; do sleep 0.02; done"]
    async with scratch_folder(env, None, "holding") as scratch:
        command = [*argv, str(scratch.folder), sys.argv[2]]
        options = dict(env=env, cwd="/", user=None, attempted="holding", keep_open=[scratch.held])
        async with piped(command, content=words(), **options) as output:
            async for _ in output:
                print(scratch.folder, flush=True)

async def words():
    yield b"go\\n"
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def place(home: Path) -> Path:
    """Where every user can make folders, as in /var/tmp."""
    place = home / "temporary"
    place.mkdir()
    place.chmod(0o1777)
    return place


async def refused() -> AsyncIterator[bytes]:
    raise ValueError("no such content")
    yield


async def test_a_command_has_a_private_folder_that_is_gone_when_it_is(bench: Any, place: Path) -> None:
    pool, env = await bench.start(bench.pool()), {"TMPDIR": str(place)}
    bench.tool("note", 'cat >"$1/content"; ls -ld "$1" | cut -c1-10; cat "$1/content"; exit "$2"')

    async def content() -> AsyncIterator[bytes]:
        yield b"word"

    async with bench.backend.pipe_in_pool(pool, ["note", "{scratch}", "0"], env, content()) as output:
        said = b"".join([chunk async for chunk in output])
    assert said == b"drwx------\nword"
    assert [*place.iterdir()] == []

    with pytest.raises(CommandFailed, match="status 3"):
        async with bench.backend.pipe_in_pool(pool, ["note", "{scratch}", "3"], env, content()):
            pass
    assert [*place.iterdir()] == []
    async with bench.backend.pipe_in_pool(pool, ["note", "{run}", "0"], env, content()):
        assert [*place.iterdir()] == [], "only a command that asks for one has one"


async def test_a_command_that_is_killed_at_once_leaves_no_folder(bench: Any, place: Path) -> None:
    pool, env = await bench.start(bench.pool()), {"TMPDIR": str(place)}
    bench.tool("dally", 'touch "$1/content"; sleep 600 & wait')

    for _ in range(30):
        with pytest.raises(ValueError, match="no such content"):
            async with bench.backend.pipe_in_pool(pool, ["dally", "{scratch}"], env, refused()):
                pass
        assert [*place.iterdir()] == []


async def test_a_folder_stays_while_the_command_of_a_killed_process_runs_and_goes_with_it(
    home: Path, place: Path
) -> None:
    running = home / "running"
    running.touch()
    argv = [sys.executable, "-c", HELD, str(place), str(running)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    folder = Path(os.fsdecode(process.stdout.readline().strip()))
    process.kill()
    process.communicate()

    await asyncio.sleep(0.2)
    assert (folder / "late").exists()
    running.unlink()
    while folder.exists():
        await asyncio.sleep(0.02)
    assert [*place.iterdir()] == []


async def test_a_folder_that_cannot_be_made_is_told(bench: Any, home: Path) -> None:
    pool, nowhere = await bench.start(bench.pool()), home / "nowhere"

    with pytest.raises(CommandFailed, match=f"running greet beside greeter: no folder can be made in {nowhere}"):
        async with bench.backend.pipe_in_pool(pool, ["greet", "{scratch}"], {"TMPDIR": str(nowhere)}, None):
            pass
