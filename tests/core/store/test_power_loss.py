"""A power cut keeps every commit that was reported; a byte that the disk changed is noticed."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from addonkit.errors import AddonkitError
from addonkit.store.codec import Codec
from addonkit.store.sealing import Sealer
from addonkit.store.sqlite import SqliteStore
from addonkit.testing.clock import FakeClock
from addonkit.testing.store_values import Note

COMMITS = 12
ALL = [f"n{number:02}" for number in range(COMMITS)]
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


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "state.db"
    asyncio.run(written(path))
    return path


@given(place=st.integers(0, 17 * PAGE - 1), flip=st.integers(1, 255))
@example(place=60, flip=59)  # the number of the schema
@example(place=3587, flip=241)  # a name in the schema that is no text any more
@example(place=12205, flip=14)  # the kind of a record in an index
@example(place=12196, flip=103)  # the name of a record in an index
@example(place=49113, flip=23)  # the time of a record
@example(place=49756, flip=202)  # the text of a record
@settings(max_examples=300, deadline=None)
async def test_a_flipped_byte_is_noticed_or_does_no_harm(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, place: int, flip: int
) -> None:
    content = bytearray(whole.read_bytes())
    content[place % len(content)] ^= flip
    path = tmp_path_factory.mktemp("flipped") / "state.db"
    path.write_bytes(content)

    try:
        assert await read_or_complaint(path) in (ALL, "noticed")
    finally:
        shutil.rmtree(path.parent)


async def read_or_complaint(path: Path) -> list[str] | str:
    """Return what the state holds; `noticed` when the store refuses it in one line, at least when it is verified."""
    try:
        found = await names(path)
        if found != ALL:
            await verified(path)
    except AddonkitError as error:
        return "noticed" if "\n" not in str(error) else str(error)
    return found


async def verified(path: Path) -> None:
    store = await opened(path)
    try:
        await store.verify()
    finally:
        await store.close()


async def test_every_page_flipped_in_the_middle_is_noticed_or_does_no_harm(whole: Path, home: Path) -> None:
    content = whole.read_bytes()
    for page in range(len(content) // PAGE):
        path = home / f"page-{page}" / "state.db"
        path.parent.mkdir()
        changed = bytearray(content)
        changed[page * PAGE : (page + 1) * PAGE] = bytes(
            each ^ 0xFF for each in content[page * PAGE : (page + 1) * PAGE]
        )
        path.write_bytes(changed)

        assert await read_or_complaint(path) in (ALL, "noticed"), f"page {page}"
