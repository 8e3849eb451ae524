"""A power cut keeps every commit that was reported."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from addonkit.store.codec import Codec
from addonkit.store.sealing import Sealer
from addonkit.store.sqlite import SqliteStore
from addonkit.testing.clock import FakeClock
from addonkit.testing.store_values import Note

COMMITS = 12
PAGE = 4096


async def opened(path: Path) -> SqliteStore:
    return await SqliteStore.open(path, Codec(Sealer(bytes(32))), FakeClock())


async def names(path: Path) -> list[str]:
    store = await opened(path)
    try:
        return [entity.name for entity in await store.list(Note)]
    finally:
        await store.close()


async def written(path: Path) -> list[int]:
    """Make commits one by one; the length of the log when each was reported, which is when it was synchronised."""
    store = await opened(path)
    lengths = []
    for number in range(COMMITS):
        note = Note(text="x" * 500 * number)
        await store.transact(lambda tx, name=f"n{number:02}", note=note: tx.create(name, note))
        lengths.append(path.with_name("state.db-wal").stat().st_size)
        shutil.copy(path, path.with_name(f"state-{number}"))
        shutil.copy(path.with_name("state.db-wal"), path.with_name(f"log-{number}"))
    await store.close()
    return lengths


@pytest.mark.parametrize("torn", [b"", b"\xff" * 10, bytes(PAGE + 24), b"\x01" * 3 * PAGE], ids=len)
async def test_what_was_reported_is_there_after_a_power_cut(home: Path, torn: bytes) -> None:
    origin = home / "state.db"
    lengths = await written(origin)

    for number, length in enumerate(lengths):
        after = home / f"cut-{number}" / "state.db"
        after.parent.mkdir()
        shutil.copy(home / f"state-{number}", after)
        log = (home / f"log-{number}").read_bytes()[:length]
        after.with_name("state.db-wal").write_bytes(log + torn)  # what was on its way to the disk may be anything

        assert await names(after) == [f"n{each:02}" for each in range(number + 1)]
