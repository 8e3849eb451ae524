"""Several processes on one state file."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import aclosing

from addonkit.store.sqlite import SqliteStore
from addonkit.testing.store import create
from addonkit.testing.store_feed import brief, take
from addonkit.testing.store_values import Counter, Note


async def test_nothing_is_lost_among_processes(sqlite_store, child):
    await sqlite_store.transact(lambda tx: tx.create("hits", Counter()))
    counting = """
async def main():
    store = await opened()
    for _ in range(50):
        await increment(store, "hits")
    await store.close()
asyncio.run(main())
"""
    processes = [child(counting) for _ in range(4)]
    ends = [await asyncio.to_thread(process.communicate, timeout=120) for process in processes]

    assert [errors for _, errors in ends] == [""] * 4
    found = await sqlite_store.get(Counter, "hits")
    assert found.value.count == 200
    assert found.revision == 201


def test_many_processes_may_make_the_file_at_once(home, child):
    opening = """
async def main():
    store = await opened()
    sys.stdin.readline()
    await store.close()
    store = await opened()
    print("opened")
    await store.close()
warm = Sealer(b"k" * 32).seal("x", "y")
print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main())
"""
    processes = [child(opening) for _ in range(6)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [process.communicate("close\n", timeout=120) for process in processes]

    assert ends == [("opened\n", "")] * 6
    assert [path.name for path in home.iterdir()] == ["state.db"]


async def test_a_watcher_is_told_of_another_process(sqlite_store, child):
    writing = """
async def main():
    store = await opened()
    await create(store, "theirs", Note("hello"))
    await store.close()
asyncio.run(main())
"""
    async with aclosing(sqlite_store.watch(Note)) as changes:
        waiting = asyncio.create_task(take(changes, 1))
        _, errors = await asyncio.to_thread(child(writing).communicate, timeout=60)

        assert errors == ""
        assert brief(await waiting) == [("created", "note/theirs", 1)]


async def test_a_process_killed_in_a_transaction_leaves_the_former_state(home, codec, clock, child):
    store = await SqliteStore.open(home / "state.db", codec, clock)
    made = await create(store, "a", Note("former"))
    await store.close()
    hanging = """
def decide(tx):
    tx.put(tx.get(Note, "a"), Note("half"))
    for number in range(3000):  # far more than the page cache spills into the log
        tx.create(f"half{number}", Note("x" * 3000))
    print("inside", flush=True)
    time.sleep(600)
async def main():
    store = await opened()
    await store._writer.run("spill", lambda connection: connection.execute("PRAGMA cache_size = 10"))
    await store.transact(decide)
asyncio.run(main())
"""
    process = child(hanging)
    assert process.stdout.readline() == "inside\n", process.communicate()[1]
    assert (home / "state.db-wal").stat().st_size > 1_000_000
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    store = await SqliteStore.open(home / "state.db", codec, clock)
    assert await store.list(Note) == (made,)
    await create(store, "b", Note("later"))
    await store.close()


async def test_what_was_committed_survives_a_kill(home, codec, clock, child):
    writing = """
async def main():
    store = await opened()
    await create(store, "a", Note("kept", password=Secret("s3cret")))
    print("committed", flush=True)
    time.sleep(600)
asyncio.run(main())
"""
    process = child(writing)
    assert process.stdout.readline() == "committed\n", process.communicate()[1]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    assert b"s3cret" not in b"".join(path.read_bytes() for path in home.iterdir())
    store = await SqliteStore.open(home / "state.db", codec, clock)
    assert (await store.get(Note, "a")).value.password.reveal() == "s3cret"
    await store.close()
