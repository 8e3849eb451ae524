"""A home whose key was lost and whose state is damaged: it is said in one line, and the state stays as it is."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from addonkit.errors import StoreCorrupted
from addonkit.models.secret import Secret
from addonkit.store.keyfile import KEY_BYTES
from addonkit.store.rekey import copy_state, key_of, rekey
from addonkit.store.sealing import Sealer
from addonkit.testing.store import create
from addonkit.testing.store_values import Note

WAYS = {
    "key_of": key_of,
    "copy_state": lambda path: copy_state(path, path.with_name("copy.db")),
    "rekey": lambda path: rekey(path, Sealer(os.urandom(KEY_BYTES)), datetime.now(UTC)),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_damaged_file_is_refused_in_one_line(home, path, opened, filled, way):
    for damaged in (b"text" * 4000, path.read_bytes()[:4096] + b"\xff" * 8192):
        path.write_bytes(damaged)

        with pytest.raises(StoreCorrupted, match=r"it is damaged: .*; a copy is kept as .*") as caught:
            WAYS[way](path)

        assert "\n" not in str(caught.value)
        assert path.read_bytes() == damaged
        assert not (home / "copy.db").exists()


async def test_a_damaged_record_does_not_pass_for_one_that_is_whole(path, opened):
    store = await opened()
    await create(store, "n", Note(password=Secret("geheim"), shelf=2))
    await store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE entity SET data = replace(data, '2', '3') WHERE kind = 'note'")
        connection.commit()

    with pytest.raises(StoreCorrupted, match="record 'note/n' is not as it was written"):
        WAYS["rekey"](path)
