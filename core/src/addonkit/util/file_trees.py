"""Copies directory trees, by reference where the file system can, and tells whether one was changed. Blocking."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_CLONE: Final = 0x40049409
"""FICLONE, see ioctl_ficlone(2)."""

_NOT_HERE: Final = frozenset({errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EBADF})
"""Errors of a file system that cannot do that."""

_LARGE: Final = 1 << 20
"""Bytes from which on a file is looked at for holes."""


def fingerprint(directory: Path) -> str:
    """Return a digest that changes when any file of a tree is written, replaced, added, removed or given away.

    It says nothing about another tree with the same content: it covers when the files were changed.

    Raises:
        OSError: the tree cannot be read, or has something other than files and directories.
    """
    return _digest([_line(path, status) for path, _, status in _walk(str(directory))])


def copy_tree(source: Path, target: Path, owner: tuple[int, int] | None = None) -> str:
    """Copy a tree into an empty directory and return the fingerprint of what was copied.

    Modes are kept; times are new. Holes of large files get room on the disk as well. Follows no links.

    Args:
        source: a directory.
        target: one that exists.
        owner: uid and gid that all in it gets; None for our own.

    Raises:
        OSError: see fingerprint; or it cannot be written.
    """
    lines, top = [], str(target)
    copy = _Copier(owner)
    for path, original, status in _walk(str(source)):
        lines.append(_line(path, status))
        if stat.S_ISDIR(status.st_mode):
            copy.directory(f"{top}/{path}", status)
        else:
            copy.file(original, f"{top}/{path}", status)
    return _digest(lines)


def give_tree(directory: Path, owner: tuple[int, int]) -> None:
    """Give all in a tree that only we can get at to a uid and gid, the directory itself last. Follows no links."""
    for _, path, status in _walk(str(directory)):
        if (status.st_uid, status.st_gid) != owner:
            os.chown(path, *owner, follow_symlinks=False)
    os.chown(directory, *owner, follow_symlinks=False)


def sync_file_system(directory: Path) -> None:
    """Return when all that was written to the file system of a directory survives a power cut."""
    import ctypes  # for one call that Python does not have: many calls of fsync take many times as long

    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(directory))
    finally:
        os.close(descriptor)


class _Copier:
    """Copies single files and directories.

    Attributes:
        clones: whether the file systems may share blocks; False once they were seen not to.
    """

    def __init__(self, owner: tuple[int, int] | None) -> None:
        self.clones = True
        self._owner = owner

    def directory(self, target: str, status: os.stat_result) -> None:
        os.mkdir(target, 0o700)  # noqa: PTH102 - plain calls, a thousand times
        if self._owner is not None:
            os.chown(target, *self._owner)
        if (mode := stat.S_IMODE(status.st_mode)) != 0o700:  # noqa: PLR2004
            os.chmod(target, mode)  # noqa: PTH101

    def file(self, source: str, target: str, status: os.stat_result) -> None:
        read = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            write = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                if status.st_size:
                    self._content(read, write, status.st_size)
                if self._owner is not None:
                    os.fchown(write, *self._owner)
                if (mode := stat.S_IMODE(status.st_mode)) != 0o600:  # noqa: PLR2004
                    os.fchmod(write, mode)
            finally:
                os.close(write)
        finally:
            os.close(read)

    def _content(self, read: int, write: int, size: int) -> None:
        if self.clones:
            try:
                fcntl.ioctl(write, _CLONE, read)
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                self.clones = False
            else:
                return
        if size < _LARGE:
            _copy_range(read, write, 0, size)
            return
        os.posix_fallocate(write, 0, size)
        for first, end in _data(read, size):
            _copy_range(read, write, first, end)


def _copy_range(read: int, write: int, first: int, end: int) -> None:
    while first < end:
        try:
            done = os.copy_file_range(read, write, end - first, first, first)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
            done = os.pwrite(write, os.pread(read, min(end - first, _LARGE), first), first)
        if not done:
            raise OSError(errno.EIO, "a file became shorter while it was copied")
        first += done


def _data(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield where a file has data."""
    first = 0
    while first < size:
        try:
            first = os.lseek(descriptor, first, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole follows
                return
            raise
        end = os.lseek(descriptor, first, os.SEEK_HOLE)
        yield first, end
        first = end


def _walk(top: str) -> Iterator[tuple[str, str, os.stat_result]]:
    """Yield path below the top, whole path and status of all in a tree; a directory comes before what is in it."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(f"{top}/{below}") as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                path = f"{below}{entry.name}"
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(f"{path}/")
                elif not stat.S_ISREG(status.st_mode):
                    raise OSError(errno.EINVAL, "it is neither a file nor a directory", entry.path)
                yield path, entry.path, status


def _line(path: str, status: os.stat_result) -> str:
    if stat.S_ISDIR(status.st_mode):
        return f"{path}/ {status.st_mode:o} {status.st_uid}"
    times = f"{status.st_mtime_ns} {status.st_ctime_ns}"
    return f"{path} {status.st_mode:o} {status.st_uid} {status.st_size} {times}"


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()
