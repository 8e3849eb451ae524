"""Gives a directory tree to another user. Blocking."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from addonkit.compute.process.user import ServiceUser

_NO_FILE: Final = frozenset({errno.ELOOP, errno.ENXIO, errno.ENOENT})
"""Errors of opening a link, a socket, and a file that was removed meanwhile."""


def hand_over(directory: Path, user: ServiceUser) -> None:
    """Give a directory to a user, with all in it that belongs to its owner. Follows no links.

    The directory itself goes last: its former owner shows that the tree is not handed over as a whole. The next
    call then completes it.

    Raises:
        OSError: a part cannot be given.
    """
    former = directory.lstat().st_uid
    if former == user.uid:
        return
    try:
        for _, _, names, descriptor in os.fwalk(directory, topdown=False, onerror=_raise):
            for name in names:
                _give_file(name, descriptor, former, user)
            _give(descriptor, former, user)
    except RecursionError as error:
        raise OSError(f"{directory} is too deep") from error


def _give_file(name: str, directory: int, former: int, user: ServiceUser) -> None:
    """Give a file; links and sockets, which cannot be opened, stay as they are."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=directory)
    except OSError as error:
        if error.errno in _NO_FILE:
            return
        raise
    try:
        _give(descriptor, former, user)
    finally:
        os.close(descriptor)


def _give(descriptor: int, former: int, user: ServiceUser) -> None:
    # Asked of the open file: a name may meanwhile stand for a file of another user.
    if os.fstat(descriptor).st_uid == former:
        os.fchown(descriptor, user.uid, user.gid)


def _raise(error: OSError) -> None:
    raise error
