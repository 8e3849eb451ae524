"""One holder at a time, also when the holder deletes the file."""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from addonkit.compute.process.lock import locked
from addonkit.errors import Busy
from addonkit.util.procfs import read_status


async def test_who_gets_the_lock_of_a_deleted_file_holds_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    """Its last holder has deleted the file between our opening and our locking it."""
    path = tmp_path / "pool"
    flock, deleted = fcntl.flock, []

    def delete_first(descriptor: int, how: int) -> None:
        if not deleted:
            deleted.append(path.unlink())
        flock(descriptor, how)

    monkeypatch.setattr("addonkit.util.file_locks.fcntl.flock", delete_first)
    async with asyncio.timeout(5), locked(path) as descriptor:
        assert os.path.samestat(os.fstat(descriptor), path.stat())
    assert deleted


async def test_who_is_cancelled_while_waiting_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pool"

    async def wait() -> None:
        async with locked(path):
            raise AssertionError("never held")

    async with locked(path):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.03)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
    async with asyncio.timeout(5), locked(path):
        pass


async def test_nobody_asks_who_runs_a_server_whose_lock_is_free(home: Path) -> None:
    async with locked(home / "locks/greeter", lambda: pytest.fail("asked")):
        pass


async def test_a_stopped_holder_is_named_instead_of_waited_for(home: Path) -> None:
    path = home / "locks/greeter"
    path.parent.mkdir()
    script = (
        "import fcntl, os, signal, sys\n"
        "file = open(sys.argv[1], 'w')\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        "os.kill(os.getpid(), signal.SIGSTOP)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(path)])
    try:
        while (status := read_status(holder.pid)) is None or not status.stopped:
            await asyncio.sleep(0.01)
        advice = f"run `kill -CONT {holder.pid}`"
        with pytest.raises(Busy, match=f"process {holder.pid} works on it and is stopped; {advice}"):
            async with locked(path):
                pytest.fail("two hold one lock")
    finally:
        holder.kill()
        holder.wait()
