"""The lock that a server holds on its disk for life.

A descriptor with a `flock` on it is inherited by the server, and by all that the server starts. The kernel frees the
lock when the last of them has ended, however it ends. It holds across namespaces, where pids say nothing.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Final

from addonkit.errors import ComputeError
from addonkit.util.file_locks import open_lock_file, try_lock_file

_TRY_EVERY: Final = 0.02
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


async def take(path: Path, limit: float) -> int | None:
    """Take the lock within `limit` seconds; returns its descriptor, or None when another process keeps it.

    Raises:
        ComputeError: the file system has no locks.
        OSError: the file cannot be made.
    """
    import asyncio  # a look at the lock needs none

    deadline = time.monotonic() + limit
    while (descriptor := try_take(path)) is None:
        if time.monotonic() >= deadline:
            return None
        await asyncio.sleep(_TRY_EVERY)
    return descriptor


def try_take(path: Path, *, shared: bool = False) -> int | None:
    """Take the lock if it is free; see take."""
    descriptor = open_lock_file(path)
    try:
        if try_lock_file(descriptor, shared=shared):
            return descriptor
    except OSError as error:
        os.close(descriptor)
        if error.errno in _NO_LOCKS:
            advice = "set ADDONKIT_HOME to a directory on a local disk"
            raise ComputeError(f"cannot lock {path}", "its file system has no locks", advice) from error
        raise
    os.close(descriptor)
    return None


def is_held(path: Path) -> bool:
    """Return whether a process, here or in another container, holds the lock. A lock that was never made is free."""
    if not path.exists():
        return False
    descriptor = try_take(path, shared=True)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
