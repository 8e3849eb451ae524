"""Opening a state file, so that all that may be wrong with it shows here."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from addonkit.errors import StoreCorrupted, StoreUnavailable
from addonkit.store.error_mapping import is_full, obstacle
from addonkit.store.migrate import check_schema, migrate
from addonkit.util.files import create_private, make_private

PURPOSE: Final = "open the state"


def connect(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """Return a connection to the state file. Makes it (mode 0600) or brings it to the newest schema if need be.

    Any thread may use it, one at a time.

    A file that is damaged, newer or another program's is not touched. On a full disk it can only be read.

    Raises:
        StoreUnavailable: when the file cannot be read and written here, or is another program's.
        StoreTooNew: when a newer addonkit wrote it.
        StoreCorrupted: when it is damaged.
        OSError: when it cannot be made.
        sqlite3.Error, UnicodeDecodeError: see `error_mapping.fault_of`.
    """
    problem = obstacle(path)
    if problem:
        raise StoreUnavailable(f"cannot {PURPOSE} {path}", problem, "check the directory and its owner")
    try:
        return _connect(path, busy_timeout)
    except sqlite3.OperationalError as error:
        from addonkit.store.frozen import open_frozen

        frozen = open_frozen(path) if is_full(error, path) else None
        if frozen is None:
            raise
    try:
        check_schema(frozen, path)
    except BaseException:
        frozen.close()
        raise
    return frozen


def _connect(path: Path, busy_timeout: float) -> sqlite3.Connection:
    if path.exists() or not create_private(path, b""):
        _inspect(path, busy_timeout)
    for suffix in ("", "-wal", "-shm"):  # what SQLite makes beside the file has the file's mode from the start
        make_private(_beside(path, suffix))
    connection = sqlite3.connect(path, timeout=busy_timeout, isolation_level=None, check_same_thread=False)
    try:
        _use_wal(connection, path, time.monotonic() + busy_timeout)
        connection.execute("PRAGMA synchronous = FULL")
        migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _inspect(path: Path, busy_timeout: float) -> None:
    """Look at a file, if possible through a connection that cannot write; others may be writing it meanwhile."""
    log_has_content = _size(_beside(path, "-wal")) > 0
    if _size(path) == 0:
        if log_has_content:  # SQLite would take the file for a new one and drop its log
            raise StoreCorrupted(f"cannot {PURPOSE} {path}", "it is damaged: it is empty, its log is not")
        return
    # A journal left by a process killed while it made the file must be rolled back first, which writes.
    mode = "rw" if _beside(path, "-journal").exists() else "ro"
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(uri, uri=True, timeout=busy_timeout, isolation_level=None)) as connection:
        connection.execute("BEGIN")  # one view of the file for all that is asked
        check_schema(connection, path)
        expected = _pragma(connection, "page_count") * _pragma(connection, "page_size")
        # With content in the log the file may still have to grow; what was merged is in the file already.
        if _size(_beside(path, "-wal")) == 0 and _size(path) < expected:
            found = f"it is damaged: {_size(path)} bytes are left of {expected}"
            raise StoreCorrupted(f"cannot {PURPOSE} {path}", found)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _use_wal(connection: sqlite3.Connection, path: Path, deadline: float) -> None:
    """Switch to write-ahead logging; SQLite does not wait by itself when another process does so at once."""
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
            continue
        if mode != "wal":
            raise StoreUnavailable(
                f"cannot {PURPOSE} {path}", "its file system has no shared memory files", "use a local disk"
            )
        return


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
