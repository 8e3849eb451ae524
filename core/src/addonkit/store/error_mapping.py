"""Turns reports of SQLite and the operating system into errors of ours."""

from __future__ import annotations

import errno
import os
import sqlite3
from typing import TYPE_CHECKING, Final

from addonkit.errors import Busy, StoreCorrupted, StoreError, StoreFull, StoreUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from addonkit.errors import AddonkitError

FAULTS: Final = (sqlite3.Error, UnicodeDecodeError, StoreCorrupted)
"""What a statement or the opening of a state file raises when the file fails."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_BUSY_CODES: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_DAMAGED_CODES: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_CLOSED_CODES: Final = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR}
)
_FOR_WANT_OF_SPACE: Final = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
_NO_TEXT: Final = "Could not decode to UTF-8"
"""How the message of `sqlite3` begins when a text that it reads is none; there is no code of its own."""
_LONGEST_PATH: Final = 500
"""Bytes of a path that SQLite opens; it adds the endings of its own files."""
_NEARLY_NOTHING: Final = 256 * 1024
"""Bytes of free space under which an input/output error counts as a full disk."""


def file_fault(error: OSError, path: Path, purpose: str) -> StoreError:
    """Return the error of a file that could not be used; `purpose` says what for, as "open the state"."""
    if error.errno in _FULL:
        return _full(path, purpose)
    return StoreUnavailable(
        f"cannot {purpose} {path}", error.strerror or type(error).__name__, "check the directory and its owner"
    )


def fault_of(error: sqlite3.Error | UnicodeDecodeError | StoreCorrupted, path: Path, purpose: str) -> AddonkitError:
    """Return the error of a state file that failed in one of the ways of FAULTS; a damaged one is copied aside."""
    fault: AddonkitError
    if isinstance(error, StoreCorrupted):
        fault = error
    elif isinstance(error, UnicodeDecodeError):
        found = f"it is damaged: a text in it is not UTF-8 ({error.reason})"
        fault = StoreCorrupted(f"cannot {purpose} {path}", found)
    else:
        fault = _database_fault(error, path, purpose)
    if not isinstance(fault, StoreCorrupted):
        return fault
    from addonkit.store.quarantine import quarantine

    return quarantine(fault, path)


def _database_fault(error: sqlite3.Error, path: Path, purpose: str) -> AddonkitError:
    """Return the error of a state file on which a statement failed."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the rest tells variants apart
    attempted = f"cannot {purpose} {path}"
    if code in _BUSY_CODES:
        found = "another process keeps it locked"
        return Busy(attempted, found, "wait for it to finish and repeat the command")
    if is_full(error, path):
        return _full(path, purpose)
    if code in _DAMAGED_CODES or str(error).startswith(_NO_TEXT):
        return StoreCorrupted(attempted, f"it is damaged: {' '.join(str(error).split())}")  # one line
    length = len(os.fsencode(path.absolute()))
    if code == sqlite3.SQLITE_CANTOPEN and length > _LONGEST_PATH:
        found = f"its path has {length} bytes, and SQLite takes about {_LONGEST_PATH}"
        return StoreUnavailable(attempted, found, "set ADDONKIT_HOME to a directory with a shorter path")
    if code in _CLOSED_CODES:
        return StoreUnavailable(attempted, obstacle(path) or str(error), "check the directory and its owner")
    return StoreError(attempted, str(error))


def is_full(error: sqlite3.Error, path: Path) -> bool:
    """Return whether a statement failed for want of space; SQLite does not always say so."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    return code == sqlite3.SQLITE_FULL or (code in _FOR_WANT_OF_SPACE and _nothing_left(path))


def obstacle(path: Path) -> str:
    """Return why a state file (there or still to be made) cannot be read and written; empty when it can."""
    home = path.parent
    if not home.is_dir():
        return "its directory does not exist" if not home.exists() else f"{home} is not a directory"
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        return f"the directory {home} cannot be written to"
    if path.exists() and not path.is_file():
        return "it is not a file"
    if path.exists() and not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
        return "it cannot be read and written by this user"
    return ""


def _full(path: Path, purpose: str) -> StoreFull:
    return StoreFull(
        f"cannot {purpose} {path}",
        "no space is left on its disk",
        "free some and repeat the command; everything stored before is intact",
    )


def _nothing_left(path: Path) -> bool:
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _NEARLY_NOTHING
