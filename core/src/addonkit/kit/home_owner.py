"""Checks whose a home is: another user who can write it could act as its owner."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from addonkit.errors import StoreUnavailable

TRUST: Final = "ADDONKIT_TRUST_HOME"
"""Set to 1 where one user has the whole machine, as in a container whose volumes all may write."""

_FILES: Final = (
    "key",
    "state.db",
    "home.json",
    "installed.json",
    "disks",
    "pools",
    "ports",
    "locks",
    "programs",
    "prepared",
    "templates",
    "uids",
)
"""What has to belong to the owner of the home."""

_MADE_BY_COMMANDS: Final = ("*", "*/*", "pools/*/*")
"""Not what is below the disks: that belongs to the users of servers."""


def check_owner(home: Path, environ: Mapping[str, str]) -> None:
    """Make sure that a home belongs to this user, and that no other user can write it or replace it.

    Raises:
        StoreUnavailable: naming the path that stands against it.
    """
    if environ.get(TRUST) == "1":
        return
    found, advice = _fault(home)
    if found:
        general = f"use a directory of your own, or set {TRUST}=1 if only you use this machine"
        raise StoreUnavailable(f"cannot use {home} as home", found, advice or general)


def give_back(home: Path) -> None:
    """Give what root has made in the home of another user to that user. Does nothing for other users than root."""
    owner = home.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    for pattern in _MADE_BY_COMMANDS:
        for path in home.glob(pattern):
            with suppress(OSError):
                status = path.lstat()
                # A second name of a file may be one that the user gave to a file of root.
                if status.st_uid == 0 and (stat.S_ISDIR(status.st_mode) or status.st_nlink == 1):
                    os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _fault(home: Path) -> tuple[str, str]:
    """Return what stands against a home, and what to do about it; two empty texts when nothing does."""
    real = home.resolve()
    me = os.geteuid()
    for path in (real, *map(real.joinpath, _FILES)):
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        if status.st_uid != me:
            owner = _name(status.st_uid)
            return (
                f"{path} belongs to user {owner}",
                f"run the command as {owner}, or set ADDONKIT_HOME to another directory",
            )
        if not stat.S_ISLNK(status.st_mode) and _others_write(status, me):
            return f"other users can write {path} (mode {stat.S_IMODE(status.st_mode):04o})", f"run `chmod go-w {path}`"
    for parent in real.parents:
        status = parent.stat()
        if status.st_uid not in {0, me} and status.st_uid != _unmapped():
            return f"{parent}, above it, belongs to user {_name(status.st_uid)}, who can replace it", ""
        if _others_write(status, me) and not status.st_mode & stat.S_ISVTX:
            return f"other users can write {parent}, above it, and so replace it", ""
    return "", ""


def _others_write(status: os.stat_result, me: int) -> bool:
    if status.st_mode & 0o002:
        return True
    # A group of the user's own, as many systems give each user, has no other members.
    return bool(status.st_mode & 0o020) and status.st_gid not in {0, me}


def _unmapped() -> int:
    """Return the uid that root's files show in a user namespace that does not know root; root's own otherwise."""
    try:
        if Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]:
            return 0
        return int(Path("/proc/sys/kernel/overflowuid").read_text())
    except (OSError, ValueError):
        return 0


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
