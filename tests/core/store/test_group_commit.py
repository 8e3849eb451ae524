"""Decisions that wait at the same time share one commit; each keeps its own outcome."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from addonkit.errors import StoreError
from addonkit.store.codec import Codec
from addonkit.store.interface import Transaction
from addonkit.store.sealing import Sealer
from addonkit.store.sqlite import SqliteStore
from addonkit.testing.store_values import Note
from addonkit.util.clock import SystemClock


@pytest.fixture
async def store(home: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(home / "state.db", Codec(Sealer(bytes(32))), SystemClock())
    yield opened
    await opened.close()


async def held_up(store: SqliteStore, *decisions: Any) -> tuple[list[Any], list[str]]:
    """Hand in decisions while the store's thread is busy, so that they form one group; outcomes and statements."""
    statements: list[str] = []
    release = threading.Event()

    def block(connection: sqlite3.Connection) -> None:
        release.wait(30)
        connection.set_trace_callback(statements.append)

    busy = asyncio.ensure_future(store._writer.run("read the state", block))
    waiting = [asyncio.ensure_future(store.transact(each)) for each in decisions]
    await asyncio.sleep(0)
    release.set()
    await busy
    return await asyncio.gather(*waiting, return_exceptions=True), statements


def creating(name: str) -> Any:
    return lambda tx: tx.create(name, Note(name)).name


async def test_one_commit_serves_all_that_wait(store: SqliteStore) -> None:
    outcomes, statements = await held_up(store, *(creating(f"n{number}") for number in range(8)))

    assert outcomes == [f"n{number}" for number in range(8)]
    assert [s for s in statements if s in {"COMMIT", "BEGIN IMMEDIATE"}] == ["BEGIN IMMEDIATE", "COMMIT"]


async def test_a_decision_sees_what_the_former_ones_of_its_group_did(store: SqliteStore) -> None:
    outcomes, _ = await held_up(store, creating("a"), lambda tx: tx.get(Note, "a") is not None)

    assert outcomes == ["a", True]


async def test_a_decision_that_raises_is_rolled_back_alone(store: SqliteStore) -> None:
    def torn(tx: Transaction) -> None:
        tx.create("torn", Note("torn"))
        raise LookupError("no")

    outcomes, _ = await held_up(store, creating("a"), torn, creating("b"))

    assert (outcomes[0], outcomes[2]) == ("a", "b")
    assert isinstance(outcomes[1], LookupError)
    assert [entity.name for entity in await store.list(Note)] == ["a", "b"]


async def test_a_decision_that_the_database_refuses_fails_alone(store: SqliteStore) -> None:
    def refused(tx: Any) -> None:
        tx._execute("INSERT INTO nowhere VALUES (1)")

    outcomes, _ = await held_up(store, creating("a"), refused, creating("b"))

    assert (outcomes[0], outcomes[2]) == ("a", "b")
    assert isinstance(outcomes[1], StoreError)
    assert [entity.name for entity in await store.list(Note)] == ["a", "b"]


async def test_a_decision_whose_task_is_cancelled_before_its_turn_is_not_run(store: SqliteStore) -> None:
    release = threading.Event()
    busy = asyncio.ensure_future(store._writer.run("read the state", lambda _connection: release.wait(30)))
    unwanted = asyncio.ensure_future(store.transact(creating("unwanted")))
    await asyncio.sleep(0)
    unwanted.cancel()
    await asyncio.gather(unwanted, return_exceptions=True)
    release.set()
    await busy

    await store.transact(creating("wanted"))

    assert [entity.name for entity in await store.list(Note)] == ["wanted"]


async def test_watchers_hear_of_every_change_of_a_group(store: SqliteStore) -> None:
    changes = store.watch(Note)
    await held_up(store, creating("a"), creating("b"))

    async with asyncio.timeout(10):
        assert [(await anext(changes)).name for _ in range(2)] == ["a", "b"]
    await changes.aclose()


async def test_reading_sees_one_state_and_writes_nothing(store: SqliteStore) -> None:
    await store.transact(creating("a"))

    seen = await store.read(lambda reader: (reader.get(Note, "a") is not None, len(reader.list(Note).items)))
    await store.read(lambda reader: reader.create("b", Note("b")))  # type: ignore[attr-defined]

    assert seen == (True, 1)
    assert [entity.name for entity in await store.list(Note)] == ["a"]
