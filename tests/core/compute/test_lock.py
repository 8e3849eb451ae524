"""One holder at a time, also when the holder deletes the file."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path
from typing import Any

from addonkit.compute.process.lock import locked


async def test_who_gets_the_lock_of_a_deleted_file_holds_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    """Its last holder has deleted the file between our opening and our locking it."""
    path = tmp_path / "pool"
    flock, deleted = fcntl.flock, []

    def delete_first(descriptor: int, how: int) -> None:
        if not deleted:
            deleted.append(path.unlink())
        flock(descriptor, how)

    monkeypatch.setattr("addonkit.compute.process.lock.fcntl.flock", delete_first)
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
