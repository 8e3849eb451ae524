"""The schema of a state file: which version it has, and the way to the newest."""

from __future__ import annotations

import sqlite3
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from addonkit.errors import StoreTooNew, StoreUnavailable
from addonkit.store.keys import checksum

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA_VERSION: Final = 2
"""Number of the newest file in `schema/`."""

APPLICATION_ID: Final = 0x61646B74
"""Marks a SQLite file as ours in its header (`adkt`); see `PRAGMA application_id`."""


def check_schema(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the schema, 0 for a file that has none yet. Ask within a transaction: several are read.

    Raises:
        StoreTooNew: when a newer addonkit wrote the file.
        StoreUnavailable: when the file belongs to another program.
    """
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if tables and application != APPLICATION_ID:
        raise StoreUnavailable(
            f"cannot open the state {path}", "it belongs to another program", "choose another home (ADDONKIT_HOME)"
        )
    return check_version(connection, path)


def check_version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the schema; cheap enough to be asked before each transaction.

    Raises:
        StoreTooNew: when a newer addonkit wrote the file.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise StoreTooNew(
            f"cannot use the state {path}",
            f"a newer addonkit wrote it (schema {version}, this one knows {SCHEMA_VERSION})",
            "install the newer addonkit again",
            schema=version,
            known=SCHEMA_VERSION,
        )
    return version


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema to the newest version, in one transaction. Several processes may do it at once.

    Raises:
        StoreTooNew: when a newer addonkit wrote the file.
    """
    if check_version(connection, path) == SCHEMA_VERSION:
        return
    connection.create_function("addonkit_checksum", 6, checksum, deterministic=True)
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(check_version(connection, path)):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(version: int) -> Iterator[str]:
    """Yield the statements of the schema files after a version, in order."""
    from importlib.resources import files

    for script in sorted((files("addonkit.store") / "schema").iterdir(), key=attrgetter("name")):
        if not script.name.endswith(".sql") or int(script.name[:4]) <= version:
            continue
        statement = ""
        for line in script.read_text("utf-8").splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                yield statement
                statement = ""
