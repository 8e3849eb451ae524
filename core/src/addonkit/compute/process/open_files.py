"""Reads what processes have open and where they work: the proof of whose they are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from addonkit.compute.process import proc_probe
from addonkit.compute.process.user import ServiceUser
from addonkit.util.procfs import all_pids
from addonkit.util.values import frozen

_LIMIT: Final = 10.0
"""Seconds that a look as the service user may take."""


@frozen
class OpenFiles:
    """The files that a process shows.

    Attributes:
        directory: where it works.
        place: device and inode of that directory, which tell it from a copy of the same name.
        opened: its open files; sockets as `socket:[inode]`.
    """

    directory: str
    place: tuple[int, int]
    opened: frozenset[str]

    def touches(self, directory: Path) -> bool:
        """Return whether it works, or has a file open, in that directory or below."""
        return any(_below(path, directory) for path in (self.directory, *self.opened))


def read_open_files(pids: Iterable[int], user: ServiceUser | None) -> Mapping[int, OpenFiles]:
    """Return what these processes show, without those that are gone or of another user than ourselves or `user`."""
    seen: dict[int, OpenFiles] = {}
    refused = []
    for pid in pids:
        try:
            directory, place, opened = proc_probe.look(pid)
            seen[pid] = OpenFiles(directory, place, frozenset(opened))
        except PermissionError:
            refused.append(pid)
        except OSError:
            continue
    return seen | _as_user(user, refused)


def having_open(path: Path, user: ServiceUser | None) -> tuple[int, ...]:
    """Return pids of processes that have this file open: of ours, and of the user's."""
    wanted = str(path.resolve())
    mine = [pid for pid in all_pids() if _is_uid(os.geteuid(), pid) or (user is not None and _is_uid(user.uid, pid))]
    return tuple(pid for pid, seen in read_open_files(mine, user).items() if wanted in seen.opened)


def working_in_removed(home: Path) -> Mapping[str, tuple[int, ...]]:
    """Return pids of processes that work in removed directories of a home, by the name of pool or disk."""
    pattern = re.compile(rf"{re.escape(str(home.resolve()))}/(?:disks|pools)/([^./][^/]*)(?:/.*)? \(deleted\)")
    found: dict[str, tuple[int, ...]] = {}
    for pid in all_pids():
        try:
            match = pattern.fullmatch(os.readlink(f"/proc/{pid}/cwd"))  # noqa: PTH115 - one call, for many processes
        except OSError:
            continue
        if match:
            found[match[1]] = (*found.get(match[1], ()), pid)
    return found


def working_in(directory: Path, user: ServiceUser | None) -> tuple[int, ...]:
    """Return pids of processes that work in a directory or below."""
    resolved = directory.resolve()
    found, refused = [], []
    for pid in all_pids():
        try:
            if _below(os.readlink(f"/proc/{pid}/cwd"), resolved):  # noqa: PTH115 - one call, for many processes
                found.append(pid)
        except PermissionError:
            refused.append(pid)
        except OSError:
            continue
    found += [pid for pid, seen in _as_user(user, refused).items() if _below(seen.directory, resolved)]
    return tuple(found)


def _as_user(user: ServiceUser | None, pids: list[int]) -> dict[int, OpenFiles]:
    """Ask as the service user; nothing is seen when it does not answer in time, or not sensibly."""
    pids = [pid for pid in pids if user is not None and _is_uid(user.uid, pid)]
    if user is None or not pids:
        return {}
    try:
        said = subprocess.run(  # noqa: S603 - our own probe
            [sys.executable, "-I", "-S", proc_probe.__file__],
            input=json.dumps({"user": [user.uid, user.gid], "pids": pids}).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            check=True,
            timeout=_LIMIT,
        )
        return {int(pid): _shown(*each) for pid, each in json.loads(said.stdout).items()}
    except (subprocess.SubprocessError, ValueError, TypeError):
        return {}


def _shown(directory: str, place: tuple[int, int], opened: list[str]) -> OpenFiles:
    return OpenFiles(directory, (place[0], place[1]), frozenset(opened))


def _is_uid(uid: int, pid: int) -> bool:
    try:
        return os.stat(f"/proc/{pid}").st_uid == uid  # noqa: PTH116 - one call, for many processes
    except OSError:
        return False


def _below(path: str, directory: Path) -> bool:
    return path == str(directory) or path.startswith(f"{directory}/")
