"""The key that seals secrets: from the environment, or a file of the home that is made when it is needed first."""

from __future__ import annotations

import base64
import binascii
import os
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING, Final

from addonkit.errors import SecretError, StoreUnavailable
from addonkit.store.error_mapping import file_fault
from addonkit.store.keys import SEALED
from addonkit.util.files import create_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY_VARIABLE: Final = "ADDONKIT_KEY"
KEY_FILE: Final = "key"
STATE_FILE: Final = "state.db"
"""Name of the SQLite store's file in a home."""
KEY_BYTES: Final = 32


def load_key(home: Path, environ: Mapping[str, str]) -> bytes:
    """Return the key of this home: `ADDONKIT_KEY` (32 bytes in base64) when set, else `<home>/key`, made if need be.

    A key file that others may read is refused, not repaired: the key may be known, and that is for its owner
    to judge. A missing key file is made only when no secret was sealed with the former one.

    Raises:
        SecretError: when the key is malformed, readable by others, or missing though it is needed.
        StoreUnavailable: when the home does not exist or the file cannot be read or made.
    """
    given = environ.get(KEY_VARIABLE)
    if given is not None:
        return _decode(given, f"cannot use the key in {KEY_VARIABLE}")
    path = home / KEY_FILE
    try:
        return _read(path) or _create(path)
    except OSError as error:
        raise file_fault(error, path, "use the key") from error


def holds_sealed_values(state: Path) -> bool:
    """Return whether a state file has secrets that only its key opens; True as well when that cannot be told."""
    if not state.exists() or state.stat().st_size == 0:
        return False
    try:
        with closing(sqlite3.connect(f"{state.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'entity'").fetchone()[0]
            if not tables:
                return False
            query = "SELECT EXISTS (SELECT 1 FROM entity WHERE instr(data, ?))"
            return bool(connection.execute(query, (f'"{SEALED}":',)).fetchone()[0])
    except sqlite3.Error:
        return True


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(1024).decode("ascii", "replace")
    except FileNotFoundError:
        return None
    attempted = f"cannot use the key {path}"
    if mode & 0o077:
        raise SecretError(attempted, f"others may read it (mode {mode:04o})", f"run: chmod 600 {path}")
    return _decode(text, attempted)


def _create(path: Path) -> bytes:
    if not path.parent.is_dir():
        raise StoreUnavailable(f"cannot make the key {path}", "the home directory does not exist", "make it first")
    state = path.with_name(STATE_FILE)
    if holds_sealed_values(state):
        # Another process may have made the key and sealed its first secret since we looked for the key.
        key = _read(path)
        if key is None:
            raise SecretError(
                f"cannot find the key {path}",
                f"{state} holds secrets that only this key opens",
                f"put the key back, or give it in {KEY_VARIABLE};"
                " `addonkit rotate --lost` makes new secrets without it",
            )
        return key
    key = os.urandom(KEY_BYTES)
    if create_private(path, base64.b64encode(key) + b"\n"):
        return key
    return _read(path) or _create(path)


def _decode(text: str, attempted: str) -> bytes:
    try:
        key = base64.b64decode(text.strip().translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SecretError(attempted, f"it is not {KEY_BYTES} bytes in base64", "give the key as it was made")
    return key
