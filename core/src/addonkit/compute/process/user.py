"""Chooses the user that servers run as: the one who runs addonkit, or a service user when that is root.

Gives directories to that user. Blocking.
"""

from __future__ import annotations

import errno
import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from addonkit.errors import ComputeError
from addonkit.util.values import frozen

SETTING: Final = "ADDONKIT_SERVICE_USER"
LAST_RESORT: Final = "nobody"
_CANDIDATES: Final = ("addonkit", LAST_RESORT)

_NO_FILE: Final = frozenset({errno.ELOOP, errno.ENXIO, errno.ENOENT})
"""Errors of opening a link, a socket, and a file that was removed meanwhile."""


@frozen
class ServiceUser:
    """A user that is not root."""

    name: str
    uid: int
    gid: int


def service_user(environ: Mapping[str, str]) -> ServiceUser | None:
    """Return the user with a name that acts for root; None when we are not root, and servers run as ourselves.

    `ADDONKIT_SERVICE_USER` names it; otherwise `addonkit` if there is such a user, else `nobody`.

    Raises:
        ComputeError: when the named user does not exist or is root.
    """
    if os.geteuid() != 0:
        return None
    named = environ.get(SETTING)
    for name in (named,) if named else _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return ServiceUser(name, entry.pw_uid, entry.pw_gid)
    raise ComputeError(
        "cannot run servers as root",
        f"there is no user {named or ' or '.join(_CANDIDATES)}, other than root, to run them as",
        f"create one, or name one in {SETTING}",
    )


def find_barrier(user: ServiceUser, directory: Path) -> Path | None:
    """Return None when the user can get into a directory, else the first directory on the way that stops it."""
    for each in (*reversed(directory.parents), directory):
        try:
            status = each.stat()
        except OSError:
            return each
        others = 0o010 if status.st_gid == user.gid else 0o001
        bit = 0o100 if status.st_uid == user.uid else others
        if not status.st_mode & bit:
            return each
    return None


def user_of(path: Path) -> ServiceUser | None:
    """Return whom a path belongs to; None when that is root, or there is no such path."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if status.st_uid == 0:
        return None
    return ServiceUser(user_name(status.st_uid), status.st_uid, status.st_gid)


def user_name(uid: int) -> str:
    """Name of a user; the number of one without an entry in /etc/passwd."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def is_shared(user: ServiceUser) -> bool:
    """Return whether a user runs all servers of root, and perhaps other programs, as former versions had it."""
    return user.name in _CANDIDATES


def chown(user: ServiceUser | None, path: Path) -> None:
    """Give a path to the service user, if there is one."""
    if user is not None:
        os.chown(path, user.uid, user.gid, follow_symlinks=False)


def subprocess_credentials(user: ServiceUser | None) -> dict[str, Any]:
    """Return arguments for subprocess that run a command as the service user, if there is one."""
    if user is None:
        return {}
    return {"user": user.uid, "group": user.gid, "extra_groups": []}


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
