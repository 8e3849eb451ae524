"""Reads a state file on a full disk: SQLite has no room there for the files that it makes beside it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def open_frozen(path: Path) -> sqlite3.Connection | None:
    """Open a file that no process is changing, for reading; None when its log has something that it lacks.

    Processes that have the file open keep a log beside it; while there is none, or an empty one, the file is whole.
    """
    try:
        if path.with_name(f"{path.name}-wal").stat().st_size:
            return None
    except FileNotFoundError:
        pass
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0]:
            return connection
    except sqlite3.Error:
        connection.close()
        raise
    connection.close()
    return None  # it was being made
