"""Unix sockets whose directory proves whose they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LONGEST: Final = 107
"""Bytes that the path of a socket may have, see unix(7)."""

_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


@contextmanager
def trusted_socket(path: str) -> Iterator[str]:
    """Yield a path by which this process can connect to the socket while the block lasts, whatever its length.

    Raises:
        OSError: when the directory does not exist, or when another user could have made a socket in it.
    """
    directory, name = os.path.split(path)
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _check_owner(directory, os.fstat(descriptor))
        yield _short(descriptor, directory, name)
    finally:
        os.close(descriptor)


def _check_owner(directory: str, found: os.stat_result) -> None:
    """Refuse a directory that others can write; root trusts the user that it gave the directory to."""
    ours = os.geteuid()
    if found.st_mode & _OTHERS_WRITE or (ours and found.st_uid != ours):
        raise PermissionError(f"others can make sockets in {directory}")


def _short(descriptor: int, directory: str, name: str) -> str:
    whole = f"{directory}/{name}"
    by_descriptor = f"/proc/self/fd/{descriptor}/{name}"
    if len(os.fsencode(whole)) <= LONGEST or not Path(f"/proc/self/fd/{descriptor}").exists():
        return whole
    return by_descriptor
