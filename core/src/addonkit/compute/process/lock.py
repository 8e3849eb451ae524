"""One process at a time starts, stops or removes a pool: a lock on a file that the kernel frees."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

_TRY_EVERY: Final = 0.02


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[int]:
    """Hold the lock for the length of the block; gives its descriptor.

    A child that inherits the descriptor holds the lock too: what a killed process has left running keeps
    others away until it is done.
    """
    path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _try(descriptor):  # noqa: ASYNC110 - another process's lock tells no event
            await asyncio.sleep(_TRY_EVERY)
        yield descriptor
    finally:
        os.close(descriptor)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
