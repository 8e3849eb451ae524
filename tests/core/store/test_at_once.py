"""What takes an instant is done on the event loop's thread; what could take longer is not."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from addonkit.errors import AlreadyExists, StoreUnavailable
from addonkit.store.interface import Reader, Transaction
from addonkit.store.sqlite import SqliteStore
from addonkit.store.writer import AT_ONCE
from addonkit.testing.store_values import Note


def where(_tx: Reader) -> int:
    """The thread that runs a decision or a look."""
    return threading.get_ident()


def forget_the_disk(store: SqliteStore) -> None:
    """Let the store think that commits are quick, on a machine that is busy with other tests."""
    store._writer.commits.pace = 0.0


async def test_a_short_decision_and_a_short_look_need_no_other_thread(sqlite_store: SqliteStore) -> None:
    assert await sqlite_store.transact(where) == threading.get_ident()
    assert await sqlite_store.read(where) == threading.get_ident()


async def test_a_disk_that_takes_long_keeps_no_event_loop_waiting(sqlite_store: SqliteStore) -> None:
    sqlite_store._writer.commits.note(3_600)

    assert await sqlite_store.transact(where) != threading.get_ident()
    assert await sqlite_store.read(where) == threading.get_ident()


async def test_many_records_are_read_by_the_thread(sqlite_store: SqliteStore) -> None:
    seen: list[int] = []

    def fill(tx: Transaction) -> None:
        for number in range(AT_ONCE + 1):
            tx.create(f"n{number:03}", Note(f"{number}"))

    def look(tx: Reader) -> int:
        seen.append(threading.get_ident())
        return len(tx.list(Note).items)

    def change(tx: Transaction) -> int:
        found = look(tx)
        tx.create(f"found-{found}", Note())
        return found

    await sqlite_store.transact(fill)
    assert await sqlite_store.read(look) == AT_ONCE + 1
    forget_the_disk(sqlite_store)
    assert await sqlite_store.transact(change) == AT_ONCE + 1
    assert seen[0] == seen[2] == threading.get_ident()
    assert seen[1] == seen[3] != threading.get_ident()
    assert len(await sqlite_store.list(Note)) == AT_ONCE + 2  # what was begun at once was undone


async def test_a_lock_of_another_process_keeps_no_event_loop_waiting(sqlite_store: SqliteStore, home: Path) -> None:
    with closing(sqlite3.connect(home / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(sqlite_store.transact(lambda tx: tx.create("a", Note())))
        for _ in range(20):  # this task goes on meanwhile
            await asyncio.sleep(0.001)
        assert not writing.done()
        other.execute("COMMIT")

    assert (await writing).name == "a"
    forget_the_disk(sqlite_store)
    assert await sqlite_store.transact(where) == threading.get_ident()


async def test_looks_at_once_give_other_tasks_their_turn(sqlite_store: SqliteStore) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    for _ in range(100):
        await sqlite_store.get(Note, "a")
    task.cancel()

    assert turns > 1


@pytest.mark.parametrize("slow", [False, True])
async def test_a_decision_that_raises_fails_alone(sqlite_store: SqliteStore, slow: bool) -> None:
    sqlite_store._writer.commits.note(3_600.0 * slow)
    await sqlite_store.transact(lambda tx: tx.create("a", Note()))

    def torn(tx: Transaction) -> Any:
        tx.create("b", Note())
        tx.create("a", Note())

    outcomes = await asyncio.gather(
        sqlite_store.transact(torn), sqlite_store.transact(lambda tx: tx.create("c", Note())), return_exceptions=True
    )

    assert isinstance(outcomes[0], AlreadyExists)
    assert [each.name for each in await sqlite_store.list(Note)] == ["a", "c"]


def test_one_slow_commit_is_chance_and_several_are_the_disk(sqlite_store: SqliteStore) -> None:
    commits = sqlite_store._writer.commits
    commits.pace = 0.0
    assert commits.is_quick
    commits.note(0.004)
    assert commits.is_quick
    for _ in range(10):
        commits.note(0.004)
    assert not commits.is_quick
    for _ in range(20):
        commits.note(0.0002)
    assert commits.is_quick


async def test_a_decision_that_meets_the_end_of_its_store_is_refused(
    sqlite_store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread ends while the loop has taken what waits, and puts it back for the thread."""
    writer = sqlite_store._writer
    forget_the_disk(sqlite_store)

    def end_first(*_args: Any) -> None:
        writer._closed = True
        writer._executor.submit(writer._end).result()
        writer._executor.shutdown()

    monkeypatch.setattr(writer, "at_once", end_first)

    with pytest.raises(StoreUnavailable, match="it is closed"):
        await asyncio.wait_for(sqlite_store.transact(where), 10)
