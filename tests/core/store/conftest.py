"""A home on a fast disk, a clock that stands still, and stores on both."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from addonkit.store.codec import Codec
from addonkit.store.leases import Leases
from addonkit.store.memory import MemoryStore
from addonkit.store.sealing import Sealer
from addonkit.store.sqlite import SqliteStore
from addonkit.testing.clock import FakeClock
from addonkit.testing.store_values import Note

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

FAST_DISK = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

CHILD = """
import asyncio, sys, time
from pathlib import Path
from addonkit.util.clock import SystemClock
from addonkit.errors import AddonkitError
from addonkit.models.secret import Secret
from addonkit.store.codec import Codec
from addonkit.store.leases import Leases
from addonkit.store.memory import MemoryStore
from addonkit.store.sealing import Sealer
from addonkit.store.sqlite import SqliteStore
from addonkit.testing.store import create, increment
from addonkit.testing.store_values import Counter, Note

PATH = Path(sys.argv[1]) / "state.db"

async def opened(**options):
    return await SqliteStore.open(PATH, Codec(Sealer(b"k" * 32)), SystemClock(), **options)

"""


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=FAST_DISK) as directory:
        yield Path(directory)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(auto=False)


@pytest.fixture
def codec() -> Codec:
    return Codec(Sealer(b"k" * 32))


@pytest.fixture
async def sqlite_store(home: Path, codec: Codec, clock: FakeClock) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(home / "state.db", codec, clock)
    yield store
    await store.close()


@pytest.fixture
def child(home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start another Python process that runs a script on the same home; none outlives its test."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        argv = [*before, sys.executable, "-c", CHILD + script, str(home)]
        process = subprocess.Popen(
            argv, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def path(home):
    return home / "state.db"


@pytest.fixture
def opened(path, codec, clock):
    async def opened(**options):
        return await SqliteStore.open(path, codec, clock, **options)

    return opened


@pytest.fixture
async def filled(opened):
    """A closed state file with some notes."""
    store = await opened()
    await store.transact(lambda tx: [tx.create(f"n{number}", Note("x" * 500)) for number in range(50)])
    await store.close()


@pytest.fixture(params=["memory", "sqlite"])
def either_store(request, codec, clock):
    return MemoryStore(codec, clock) if request.param == "memory" else request.getfixturevalue("sqlite_store")


@pytest.fixture
def dead():
    """Owners whose process has ended."""
    return set()


@pytest.fixture
def leases(either_store, clock, dead):
    def leases(owner):
        return Leases(either_store, clock, owner, lambda other: other not in dead)

    return leases
