"""Locks on open files (flock), which the kernel frees however a process ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def open_lock_file(path: Path) -> int:
    """Return a descriptor of a lock file, private to its owner; makes the file. Follows no link."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def lock_file(descriptor: int, *, shared: bool = False) -> None:
    """Lock an open file, once no other process holds it; with `shared`, beside others that share it."""
    fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)


def try_lock_file(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file; return False when another process holds it. OSError where locks are not supported."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
