"""Looking at a whole state file, before anything is decided by what is not in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.errors import StoreCorrupted
from addonkit.store.keys import checksum
from addonkit.store.sqlite_transaction import damaged

if TYPE_CHECKING:
    import sqlite3


def verify(connection: sqlite3.Connection) -> None:
    """Compare every index with its table, and every row with its checksum.

    Raises:
        StoreCorrupted: with the first difference.
    """
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise StoreCorrupted("cannot read the state", f"it is damaged: {' '.join(found.split())}")
    for *columns, check in connection.execute(
        "SELECT kind, name, data, revision, created, updated, checksum FROM entity"
    ):
        if check != checksum(*columns):
            raise damaged(f"{columns[0]}/{columns[1]}")
