"""One process at a time starts, stops or removes a pool: a lock on a file that the kernel frees."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

_TRY_EVERY: Final = 0.02


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[int]:
    """Hold the lock for the length of the block; gives its descriptor.

    The holder may delete the file. A child that inherits the descriptor holds the lock too: what a killed
    process has left running keeps others away until it is done.
    """
    path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    while (descriptor := _take(path)) is None:  # noqa: ASYNC110 - another process's lock tells no event
        await asyncio.sleep(_TRY_EVERY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _take(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Who had the lock before may have deleted the file: then it keeps nobody away any more.
        if _is_still(path, descriptor):
            return descriptor
    os.close(descriptor)
    return None


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
