"""What goes wrong with a state file is one clear error, and nothing is lost by it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing

import pytest

from addonkit.errors import Busy, StoreCorrupted, StoreFull, StoreUnavailable
from addonkit.store.sqlite import SqliteStore
from addonkit.testing.store import create
from addonkit.testing.store_values import Note


async def test_a_home_that_does_not_exist(home, codec, clock):
    with pytest.raises(StoreUnavailable, match=r"cannot open the state .*state.db: its directory does not exist"):
        await SqliteStore.open(home / "nowhere" / "state.db", codec, clock)
    assert list(home.iterdir()) == []


async def test_a_home_that_is_a_file(home, codec, clock):
    (home / "file").write_text("")

    with pytest.raises(StoreUnavailable, match="file is not a directory"):
        await SqliteStore.open(home / "file" / "state.db", codec, clock)


async def test_a_state_that_is_a_directory(path, opened):
    path.mkdir()

    with pytest.raises(StoreUnavailable, match="it is not a file"):
        await opened()


PERMISSIONS = """
import os
async def main():
    store = await opened()  # loads all that is needed while we may
    await store.close()
    os.chmod(PATH, FILE_MODE)
    os.chmod(sys.argv[1], MODE)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setuid(65534)
    try:
        await opened()
    except AddonkitError as error:
        print(type(error).__name__, error)
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("mode", "file_mode", "found"),
    [
        ("0o555", "0o666", "the directory {home} cannot be written to"),
        ("0o000", "0o666", "the directory {home} cannot be written to"),
        ("0o777", "0o444", "it cannot be read and written by this user"),
        ("0o777", "0o000", "it cannot be read and written by this user"),
    ],
)
def test_a_state_that_this_user_may_not_write(home, child, mode, file_mode, found):
    process = child(PERMISSIONS.replace("FILE_MODE", file_mode).replace("MODE", mode))

    printed, errors = process.communicate(timeout=60)
    home.chmod(0o700)

    expected = f"StoreUnavailable cannot open the state {home}/state.db: {found.format(home=home)}"
    assert printed.startswith(expected), errors


async def test_a_state_of_another_program(path, opened):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    before = path.read_bytes()

    with pytest.raises(StoreUnavailable, match="it belongs to another program; choose another home"):
        await opened()
    assert path.read_bytes() == before


async def test_a_state_that_is_locked(path, opened, filled):
    store = await opened(busy_timeout=0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match=r"cannot write the state .*: another process keeps it locked"):
            await create(store, "a", Note())
        assert len(await store.list(Note)) == 50  # reading goes on
        other.execute("ROLLBACK")

    await create(store, "a", Note())
    await store.close()


async def test_a_state_that_is_locked_while_it_is_made(path, opened):
    path.touch()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Busy, match="cannot open the state"):
            await opened(busy_timeout=0.01)

    await (await opened()).close()


async def test_a_full_disk_as_sqlite_reports_it(opened):
    store = await opened()
    await create(store, "before", Note())
    await store._writer.run("limit", lambda connection: connection.execute("PRAGMA max_page_count = 1"))  # i.e. now

    with pytest.raises(StoreFull, match=r"cannot write the state .*: no space is left on its disk; free some"):
        await create(store, "big", Note("x" * 100_000))
    assert [entity.name for entity in await store.list(Note)] == ["before"]

    await store._writer.run("limit", lambda connection: connection.execute("PRAGMA max_page_count = 1000000"))
    await create(store, "after", Note())
    assert [entity.name for entity in await store.list(Note)] == ["after", "before"]
    await store.close()


async def test_a_decision_that_hides_a_full_disk_is_not_committed(opened):
    store = await opened()

    def decide(tx):
        tx.create("before", Note())
        with pytest.raises(sqlite3.OperationalError):
            tx.create("big", Note("x" * 100_000))
        return "all is well"

    await store._writer.run("limit", lambda connection: connection.execute("PRAGMA max_page_count = 1"))
    with pytest.raises(StoreFull):
        await store.transact(decide)

    assert await store.list(Note) == ()
    await store.close()


FULL = """
from addonkit.errors import StoreFull
async def main():
    ballast = Path(sys.argv[1]) / "ballast"
    ballast.write_bytes(b"x" * 300_000)
    store = await opened()
    stored = 0
    try:
        while stored < 1000:
            await create(store, f"n{stored:03}", Note("x" * 5_000))
            stored += 1
    except StoreFull as error:
        print("full", error)
    assert len(await store.list(Note)) == stored
    await store.close()
    store = await opened()
    assert len(await store.list(Note)) == stored
    ballast.unlink()
    await create(store, "after", Note())
    await store.close()
    print("stored", stored > 10)
asyncio.run(main())
"""

FULL_AT_ONCE = """
from addonkit.store.keyfile import load_key
async def main():
    home = Path(sys.argv[1])
    try:
        with (home / "ballast").open("wb", 0) as ballast:
            while True:
                ballast.write(b"x" * 4096)
    except OSError:
        pass
    for use in (opened, lambda: asyncio.to_thread(load_key, home, {})):
        try:
            await use()
        except AddonkitError as error:
            print(type(error).__name__, str(error).partition(";")[0])
    (home / "ballast").unlink()
    await (await opened()).close()
    print(sorted(path.name for path in home.iterdir()))
asyncio.run(main())
"""


def small_disk(home):
    """Words that run a command with a file system of 1 MiB mounted as home, for itself only; None where not allowed."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    words = (*unshare, "sh", "-c", f'mount -t tmpfs -o size=1m addonkit-test "{home}" && exec "$@"', "sh")
    if shutil.which("unshare") is None or subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        return None
    return words


@pytest.fixture
def on_small_disk(home):
    words = small_disk(home)
    if words is None:
        pytest.skip("this user may not mount a file system; the error is also provoked without one")
    return words


def test_a_full_disk(child, on_small_disk):
    printed, errors = child(FULL, before=on_small_disk).communicate(timeout=120)

    assert [line.partition(" ")[0] for line in printed.splitlines()] == ["full", "stored"], errors
    assert "no space is left on its disk" in printed
    assert printed.endswith("stored True\n")


def test_a_disk_that_is_full_from_the_start(home, child, on_small_disk):
    printed, errors = child(FULL_AT_ONCE, before=on_small_disk).communicate(timeout=120)

    assert printed.splitlines() == [
        f"StoreFull cannot open the state {home}/state.db: no space is left on its disk",
        f"StoreFull cannot use the key {home}/key: no space is left on its disk",
        "['state.db']",
    ], errors


@pytest.mark.parametrize("what", ["removed", "replaced"])
async def test_a_file_that_is_no_longer_ours_is_not_used(path, opened, codec, clock, what):
    store = await opened()
    path.unlink()
    if what == "replaced":
        await (await opened()).close()

    for use in (create(store, "a", Note()), store.list(Note)):
        with pytest.raises(StoreUnavailable, match="the file was removed or replaced while it was open"):
            await use
    await store.close()


async def test_a_failed_opening_leaves_no_thread(path, opened):
    import threading

    path.write_bytes(b"damaged" * 1000)
    with pytest.raises(StoreCorrupted):
        await opened()
    await asyncio.sleep(0)

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("addonkit-store")]
