"""A damaged state file is refused, copied aside once, and never written to or removed."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

import pytest

from addonkit.errors import StoreCorrupted
from addonkit.testing.store import create
from addonkit.testing.store_values import Note


def copies(home):
    return sorted(path.name for path in home.iterdir() if ".corrupt-" in path.name)


DAMAGES = {
    "header": lambda content: b"\xff" * 100 + content[100:],
    "zeros": lambda content: bytes(len(content)),
    "cut in a page": lambda content: content[:50],
    "cut at a page": lambda content: content[: len(content) // 2 // 4096 * 4096],
    "cut by a byte": lambda content: content[:-1],
    "text": lambda content: b"hello " * 1000,
    "schema": lambda content: content[:100] + b"\xff" * 3996 + content[4096:],
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_file_is_refused_and_copied_aside_once(home, path, opened, filled, damage):
    damaged = DAMAGES[damage](path.read_bytes())
    path.write_bytes(damaged)

    for _ in range(3):
        with pytest.raises(StoreCorrupted, match="it is damaged") as caught:
            await opened()
        assert path.read_bytes() == damaged

    (copy,) = copies(home)
    assert (home / copy).read_bytes() == damaged
    assert (home / copy).stat().st_mode & 0o777 == 0o600
    assert str(home / copy) in str(caught.value)
    assert str(caught.value).endswith("restore a backup in its place, or move it away to begin anew")


async def test_further_damage_is_copied_as_well(home, path, opened, filled):
    for content in (b"one" * 1000, b"two" * 1000):
        path.write_bytes(content)
        with pytest.raises(StoreCorrupted):
            await opened()

    assert len(copies(home)) == 2


async def test_an_empty_file_whose_log_is_not_is_damaged(home, path, opened, filled):
    path.write_bytes(b"")
    (home / "state.db-wal").write_bytes(b"log")

    with pytest.raises(StoreCorrupted, match="it is empty, its log is not"):
        await opened()
    assert [(home / name).read_bytes() for name in copies(home)] == [b"", b"log"]


async def test_damage_that_shows_later_stops_the_store(home, path, opened, filled):
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)  # all but the page with header and schema
    path.write_bytes(content)

    # Whichever statement touches the damage first: nothing is written from then on.
    async def use():
        store = await opened()
        try:
            await store.list(Note)
        finally:
            await store.close()

    with pytest.raises(StoreCorrupted, match="a copy is kept as"):
        await use()
    assert len(copies(home)) == 1


async def test_damage_while_the_store_is_open_stops_it(home, path, opened, filled):
    store = await opened()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))

    with pytest.raises(StoreCorrupted, match=r"cannot read the state .* a copy is kept as"):
        await store.list(Note)
    with pytest.raises(StoreCorrupted, match="a copy is kept as"):
        await create(store, "a", Note())
    before = path.read_bytes()
    await store.close()

    assert path.read_bytes() == before
    assert len(copies(home)) == 1


async def test_a_journal_left_by_a_killed_process_is_rolled_back(home, path, opened, filled):
    with closing(sqlite3.connect(path, isolation_level=None)) as killed:
        killed.execute("PRAGMA journal_mode = DELETE")
        killed.execute("PRAGMA cache_size = 1")
        killed.execute("BEGIN IMMEDIATE")
        killed.execute("UPDATE entity SET data = '{}'")
        left = {each: (home / each).read_bytes() for each in ("state.db", "state.db-journal")}
        killed.execute("ROLLBACK")
    for name, content in left.items():
        (home / name).write_bytes(content)

    store = await opened()
    assert {entity.value.text for entity in await store.list(Note)} == {"x" * 500}
    await store.close()


async def test_a_copy_that_cannot_be_made_is_said_too(path, opened, filled, monkeypatch):
    path.write_bytes(b"damaged" * 1000)

    def full(*args):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("addonkit.store.quarantine.copy_private", full)
    with pytest.raises(StoreCorrupted, match=r"could not be copied aside \(No space left on device\); save it"):
        await opened()
