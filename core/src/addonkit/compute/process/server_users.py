"""Users of servers where root runs addonkit: each server has one of its own, from a range of uids. Blocking.

No user needs an entry in /etc/passwd. A file per uid says which server has it; what a server owns says so too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from addonkit.compute.process.user import (
    LAST_RESORT,
    SETTING,
    ServiceUser,
    find_barrier,
    is_shared,
    service_user,
    user_of,
)
from addonkit.errors import ComputeError, InvalidInput
from addonkit.models.compute import SharedUser
from addonkit.util.files import create_private, make_directory
from addonkit.util.procfs import all_pids
from addonkit.util.shuffling import shuffled

RANGE_SETTING: Final = "ADDONKIT_SERVICE_UIDS"

DEFAULT_RANGES: Final = (range(900_000, 1_000_000), range(61_184, 65_520))
"""The first one that this user namespace has is used: many containers have 65536 users."""

_HIGHEST: Final = 2**31 - 1
_MAPS: Final = (Path("/proc/self/uid_map"), Path("/proc/self/gid_map"))


_NEEDED: Final = {"CAP_CHOWN": 0, "CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7}
"""What root needs to give a server its files, to start it and to stop it: numbers of bits (capabilities(7))."""


def lacking_capabilities() -> tuple[str, ...]:
    """Return what this process is not allowed to do as root; nothing where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return ()
    effective = status.partition("CapEff:")[2].split(maxsplit=1)
    allowed = int(effective[0], 16) if effective else -1
    return tuple(name for name, bit in _NEEDED.items() if not allowed >> bit & 1)


class ServerUsers:
    """The users that run the servers of a home.

    Args:
        directory: holds a file for each uid in use; in the home.
        environ: settings: ADDONKIT_SERVICE_UIDS, and ADDONKIT_SERVICE_USER for one user that runs all servers.

    Attributes:
        named: a user with an entry in /etc/passwd, for what needs one; None when we are not root, or cannot be others.
        example: a user like those of servers, to try what they can reach.
    """

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        self._directory = directory
        self._sole = sole_user()
        self.named = None if self._sole is not None else service_user(environ)
        self._is_set = bool(environ.get(SETTING))
        self._range = range(0) if self.named is None or self._is_set else uid_range(environ)
        self.example = _user(self._range[0]) if self._range else self.named

    @property
    def separate(self) -> bool:
        """Return whether each server has a user of its own."""
        return bool(self._range)

    def check(self) -> None:
        """Make sure that servers run as another user than root, who can get to their data.

        Raises:
            ComputeError: this user namespace has no other user than the machine's root, or not the one that is needed.
                It is raised too where root may not become that user, and where a directory stops that one.
        """
        advice = "run the command outside of it, or map more users into it"
        if os.geteuid() == self._sole == 0:
            raise ComputeError("cannot run servers as root", "this user namespace has no other user", advice)
        if self.named is None or self.example is None:
            return
        lacking = lacking_capabilities()
        if lacking:
            found = f"this root may not work as another user: it has no {', '.join(lacking)}"
            allow = "allow that, as with `docker run --cap-add`, or run the command as another user"
            raise ComputeError("cannot run servers as root", found, allow)
        if not has_users(range(self.named.uid, self.named.uid + 1)):
            found = f"this user namespace has no user {self.named.name} (uid {self.named.uid})"
            raise ComputeError("cannot run servers as root", found, f"{advice}, or name another one in {SETTING}")
        home = self._directory.parent
        stop = find_barrier(self.example, home)
        if stop is not None:
            raise ComputeError(
                f"cannot run servers in {home}",
                f"user {self.example.name}, who runs them for root, has no way through {stop}",
                "set ADDONKIT_HOME to a directory outside it, such as /var/lib/addonkit",
            )

    def find(self, server: str, data: Path) -> ServiceUser | None:
        """Return who runs a server: who owns its data; without data who was chosen, else the named user."""
        if self.named is None:
            return None
        return user_of(data) or self._chosen(server) or self.named

    def choose(self, server: str, data: Path, *, named: bool = False) -> ServiceUser | None:
        """Return who runs a server that is about to start; one that has no user of its own gets one.

        With `named` it gets the named user.

        Raises:
            ComputeError: all uids of the range are taken.
        """
        owner = user_of(data) if self.named else None
        if owner and not is_shared(owner):
            return owner
        if named or not self._range:
            return self.named
        return self._chosen(server) or self._reserve(server)

    def shared(self, user: ServiceUser | None) -> SharedUser | None:
        """Tell that a user runs other servers or programs as well; None when it does not, or is meant to."""
        if user is None or not is_shared(user):
            return None
        if self.separate:
            return SharedUser(user.name)
        if user.name != LAST_RESORT:
            return None
        return SharedUser(user.name, f"unset {SETTING}" if self._is_set else "run `useradd --system addonkit`")

    def free(self, server: str) -> None:
        """Let another server have the uid."""
        for uid, name in self._all():
            if name == server:
                (self._directory / str(uid)).unlink(missing_ok=True)

    def _chosen(self, server: str) -> ServiceUser | None:
        for uid, name in self._all():
            if name == server:
                return _user(uid)
        return None

    def _reserve(self, server: str) -> ServiceUser:
        make_directory(self._directory, 0o700, parents=0o711)
        used = _running().union(dict(self._all()))
        for uid in shuffled(self._range):
            if uid not in used and create_private(self._directory / str(uid), server.encode()):
                return _user(uid)
        span = f"{self._range.start}-{self._range.stop - 1}"
        raise ComputeError(
            f"cannot find a user for server {server}", f"all uids of {span} are taken", f"set {RANGE_SETTING}"
        )

    def _all(self) -> Iterator[tuple[int, str]]:
        """Yield uids in use, and their servers."""
        with suppress(FileNotFoundError):
            for name in os.listdir(self._directory):  # noqa: PTH208 - names are all we need
                if name.isdigit():
                    with suppress(FileNotFoundError):
                        yield int(name), (self._directory / name).read_text()


def uid_range(environ: Mapping[str, str]) -> range:
    """Return the range of `ADDONKIT_SERVICE_UIDS`, as `900000-999999` (both included), else one that exists here.

    Empty when this user namespace has too few users for any of them.

    Raises:
        InvalidInput: when it does not parse, or this user namespace does not have it.
    """
    text = environ.get(RANGE_SETTING, "")
    if not text:
        return next(filter(has_users, DEFAULT_RANGES), range(0))
    attempted = f"cannot use {text!r} from {RANGE_SETTING}"
    first, dash, last = text.partition("-")
    if not (dash and first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) < _HIGHEST):
        raise InvalidInput(attempted, "it is not a range of uids", "write it like 900000-999999")
    wanted = range(int(first), int(last) + 1)
    if not has_users(wanted):
        raise InvalidInput(attempted, "this user namespace has no such users", "choose uids of /proc/self/uid_map")
    return wanted


def sole_user() -> int | None:
    """Return who root is outside of this user namespace, where it is the only user, as in many sandboxes; else None."""
    lines = _spans(_MAPS[0])
    return lines[0][1] if len(lines) == 1 and lines[0][0] == 0 and lines[0][2] == 1 else None


def has_users(wanted: range) -> bool:
    """Return whether this user namespace has all these users and groups; see user_namespaces(7)."""
    for table in _MAPS:
        for first, _outside, count in _spans(table):
            if first <= wanted.start and wanted.stop <= first + count:
                break
        else:
            return False
    return True


def _spans(table: Path) -> list[tuple[int, ...]]:
    """Return first id inside, first id outside, and count, of each line; everything where the kernel shows no map."""
    try:
        text = table.read_text()
    except OSError:
        return [(0, 0, 2**32 - 1)]
    return [tuple(map(int, line.split())) for line in text.splitlines()]


def _running() -> set[int]:
    """Return uids of running processes: a server of another home may have one."""
    found = set()
    for pid in all_pids():
        with suppress(OSError):
            found.add(os.stat(f"/proc/{pid}").st_uid)  # noqa: PTH116 - one call, for many processes
    return found


def _user(uid: int) -> ServiceUser:
    return ServiceUser(str(uid), uid, uid)
