from __future__ import annotations

import asyncio
import tempfile
import threading
from contextlib import aclosing, contextmanager
from pathlib import Path

import pytest
from hypothesis.stateful import run_state_machine_as_test

from addonkit.models.secret import Secret
from addonkit.store.sqlite import SqliteStore
from addonkit.testing.store import DecisionSuite, ListSuite, StoreSuite, create
from addonkit.testing.store_feed import FeedSuite, SharedSuite, take
from addonkit.testing.store_machine import StoreMachine
from addonkit.testing.store_values import Note


class TestSqliteStore(StoreSuite, DecisionSuite, ListSuite, FeedSuite, SharedSuite):
    @pytest.fixture
    async def store(self, sqlite_store):
        return sqlite_store

    @pytest.fixture
    async def second(self, store, home, codec, clock):
        second = await SqliteStore.open(home / "state.db", codec, clock)
        yield second
        await second.close()


class TestOnASlowDisk(StoreSuite, DecisionSuite):
    @pytest.fixture
    async def store(self, sqlite_store):
        return on_a_slow_disk(sqlite_store)


def on_a_slow_disk(store):
    """The same store, as if its last commits had taken long: its thread writes."""
    store._writer.commits.note(3_600)
    return store


def test_sqlite_and_memory_cannot_be_told_apart(home):
    @contextmanager
    def place():
        with tempfile.TemporaryDirectory(dir=home) as directory:
            yield lambda codec, clock: SqliteStore.open(Path(directory) / "state.db", codec, clock)

    class Machine(StoreMachine):
        pass

    Machine.place = staticmethod(place)
    run_state_machine_as_test(Machine)


async def until(condition):
    """Give the store's thread time until something holds."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


async def test_files_are_private_whatever_the_umask(home, codec, clock, umask_zero):
    store = await SqliteStore.open(home / "state.db", codec, clock)
    await create(store, "a", Note())

    modes = {path.name: path.stat().st_mode & 0o777 for path in home.iterdir()}
    await store.close()

    assert modes == {"state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600}


@pytest.fixture
def umask_zero():
    import os

    former = os.umask(0)
    yield
    os.umask(former)


async def test_a_file_that_others_may_read_is_made_private(home, codec, clock):
    await (await SqliteStore.open(home / "state.db", codec, clock)).close()
    (home / "state.db").chmod(0o644)

    await (await SqliteStore.open(home / "state.db", codec, clock)).close()

    assert (home / "state.db").stat().st_mode & 0o777 == 0o600


async def test_secrets_are_nowhere_in_clear(home, sqlite_store):
    secret = "correct-horse-battery-staple"
    made = await create(sqlite_store, "a", Note(password=Secret(secret), extra={"deep": [{"token": Secret(secret)}]}))
    await sqlite_store.transact(lambda tx: tx.put(made, Note(password=Secret(secret))))
    await sqlite_store.transact(lambda tx: tx.create("plain", Note("seen-in-clear")))

    bytes_while_open = b"".join(path.read_bytes() for path in home.iterdir())
    await sqlite_store.close()
    bytes_when_closed = b"".join(path.read_bytes() for path in home.iterdir())

    for content in (bytes_while_open, bytes_when_closed):
        assert b"seen-in-clear" in content  # so the files that matter were read
        assert b"horse" not in content


async def test_nothing_is_asked_while_nobody_watches(sqlite_store, monkeypatch):
    asked = []
    monkeypatch.setattr("addonkit.store.sqlite.latest_change", lambda connection: asked.append(1) or 0)
    monkeypatch.setattr("addonkit.store.sqlite._LOOK_EVERY", 0.001)

    async with aclosing(sqlite_store.watch()) as changes:
        waiting = asyncio.create_task(take(changes, 1))
        await until(lambda: asked)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    asked.clear()
    for _ in range(20):
        await asyncio.sleep(0.001)

    assert not asked


async def test_many_watchers_ask_together(sqlite_store, monkeypatch):
    asked = []
    monkeypatch.setattr("addonkit.store.sqlite.latest_change", lambda connection: asked.append(1) or 0)

    watchers = [sqlite_store.watch() for _ in range(30)]
    waiting = [asyncio.create_task(anext(changes)) for changes in watchers]
    await until(lambda: len(asked) > 1)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    assert len(asked) < 30  # two looks, or a few more on a busy machine; not one for each watcher


async def test_close_waits_for_what_was_begun_and_ends_the_thread(home, codec, clock):
    store = on_a_slow_disk(await SqliteStore.open(home / "state.db", codec, clock))
    begun, go_on = threading.Event(), threading.Event()

    def decide(tx):
        begun.set()
        assert go_on.wait(30)
        return tx.create("a", Note())

    writing = asyncio.create_task(store.transact(decide))
    assert await asyncio.to_thread(begun.wait, 30)
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    go_on.set()
    await closing

    assert (await writing).name == "a"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("addonkit-store")]


async def test_a_decision_that_waits_its_turn_is_dropped_when_cancelled(sqlite_store):
    on_a_slow_disk(sqlite_store)
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx):
        begun.set()
        assert go_on.wait(30)

    first = asyncio.create_task(sqlite_store.transact(slow))
    assert await asyncio.to_thread(begun.wait, 30)
    second = asyncio.create_task(sqlite_store.transact(lambda tx: tx.create("a", Note())))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    go_on.set()
    await first

    assert await sqlite_store.get(Note, "a") is None


async def test_a_decision_under_way_is_finished_when_cancelled(sqlite_store):
    on_a_slow_disk(sqlite_store)
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx):
        tx.create("a", Note())
        begun.set()
        assert go_on.wait(30)
        tx.create("b", Note())

    task = asyncio.create_task(sqlite_store.transact(slow))
    assert await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    go_on.set()

    assert [entity.name for entity in await sqlite_store.list(Note)] == ["a", "b"]


def test_a_store_serves_any_event_loop(home, codec, clock):
    with asyncio.Runner() as runner:
        store = runner.run(SqliteStore.open(home / "state.db", codec, clock))
        runner.run(create(store, "a", Note()))
    with asyncio.Runner() as runner:
        assert runner.run(store.get(Note, "a")) is not None
        runner.run(store.close())


async def test_no_statement_scans_a_table(sqlite_store):
    statements = []

    def explain(connection):
        connection.set_trace_callback(None)
        plans = [connection.execute(f"EXPLAIN QUERY PLAN {each}").fetchall() for each in statements]
        return [row[3] for plan in plans for row in plan]

    await sqlite_store._writer.run("trace", lambda connection: connection.set_trace_callback(statements.append))
    made = await create(sqlite_store, "a", Note(shelf=1))
    await sqlite_store.transact(lambda tx: tx.put(made, Note(shelf=2)))
    await sqlite_store.transact(lambda tx: tx.list(Note, {"shelf": 2, "color": "red"}, after="0", limit=3))
    await sqlite_store.transact(lambda tx: tx.delete(Note, "a"))
    async with aclosing(sqlite_store.watch(since=0)) as changes:
        await take(changes, 3)
    steps = await sqlite_store._writer.run("explain", explain)

    assert any("entity_by_value" in step for step in steps)
    assert not [step for step in steps if step.startswith("SCAN") and "CONSTANT ROW" not in step]
