"""One process at a time starts, stops or removes a pool: a lock on a file that the kernel frees."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from addonkit.compute.process.open_files import having_open
from addonkit.compute.process.user import ServiceUser
from addonkit.errors import Busy
from addonkit.util.file_locks import open_lock_file, try_lock_file
from addonkit.util.files import make_directory
from addonkit.util.procfs import read_status

_TRY_EVERY: Final = 0.02
_LOOK_EVERY: Final = 2.0
"""Seconds between two looks at who holds the lock."""
_LIMIT: Final = 330.0
"""Seconds to wait for another command: longer than preparing a disk and starting its server may take."""


@asynccontextmanager
async def locked(path: Path, user: Callable[[], ServiceUser | None] = lambda: None) -> AsyncIterator[int]:
    """Hold the lock for the length of the block; gives its descriptor.

    The holder may delete the file. A child that inherits the descriptor holds the lock too: what a killed
    process has left running keeps others away until it is done.

    Args:
        path: of the file, which is made if need be.
        user: tells who runs the server; asked while another process holds the lock.

    Raises:
        Busy: another process keeps it for too long, or was stopped while it holds it.
    """
    make_directory(path.parent, 0o700, parents=0o700)
    started = looked = time.monotonic()
    while (descriptor := _take(path)) is None:
        await asyncio.sleep(_TRY_EVERY)
        if time.monotonic() - looked > _LOOK_EVERY:
            looked = time.monotonic()
            await asyncio.to_thread(_check_holder, path, user(), waited=looked - started)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _check_holder(path: Path, user: ServiceUser | None, *, waited: float) -> None:
    """Raise Busy when waiting longer for the holder makes no sense."""
    attempted = f"cannot work on server {path.name}"
    for pid in set(having_open(path, user)) - {os.getpid()}:
        status = read_status(pid)
        if status is not None and status.stopped:
            advice = f"run `kill -CONT {pid}` to let it finish, or `kill -9 {pid}` to end it"
            raise Busy(attempted, f"process {pid} works on it and is stopped", advice)
        if waited > _LIMIT:
            raise Busy(attempted, f"process {pid} has been working on it for {_LIMIT:g} s", f"end process {pid} first")
    if waited > _LIMIT:
        found = f"another process has been working on it for {_LIMIT:g} s, perhaps in another container"
        raise Busy(attempted, found, "end that process first")


def _take(path: Path) -> int | None:
    descriptor = open_lock_file(path)
    with suppress(FileNotFoundError):
        # Its former holder may have deleted the file: then it keeps no process away any more.
        if try_lock_file(descriptor) and os.path.samestat(path.stat(), os.fstat(descriptor)):
            return descriptor
    os.close(descriptor)
    return None
