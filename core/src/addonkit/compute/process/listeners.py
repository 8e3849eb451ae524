"""Who listens on a server's port: the server, or a stranger who receives the passwords of apps. Linux, blocking."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from addonkit.compute.process.identity import session_members
from addonkit.compute.process.open_files import read_open_files
from addonkit.compute.process.user import ServiceUser, user_name

_LISTEN: Final = "0A"
_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_REACHED: Final = frozenset({"127.0.0.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"})  # noqa: S104 - looked for, not bound
"""Addresses at which a client that asks for 127.0.0.1, or for `localhost`, may end."""


@attrs.frozen
class Listener:
    """A listening socket.

    Attributes:
        inode: its number, as `socket:[number]` in what processes have open.
        address: where it listens.
        uid: of the user who made it.
    """

    inode: int
    address: str
    uid: int

    @property
    def link(self) -> str:
        """What an open file of its process shows."""
        return f"socket:[{self.inode}]"


@attrs.frozen
class PortUse:
    """Who listens on a port.

    Attributes:
        ours: whether the server does.
        strangers: who else does, where clients of the server may end; a clause each.
    """

    ours: bool
    strangers: tuple[str, ...] = ()


def look_at_port(session: int | None, port: int, user: ServiceUser | None) -> PortUse:
    """Tell the server's own sockets from those of strangers.

    Args:
        session: of the server's processes; None when none runs.
        port: where it should listen.
        user: who the server runs as; None for ourselves.
    """
    found = tuple(_listeners(port))
    if not found:
        return PortUse(ours=False)
    mine = _owned(found, session, user) if session is not None else []
    if session is not None and not mine:
        return PortUse(ours=False)  # it is starting, or cannot be looked at
    others = [each for each in found if each not in mine and each.address in _REACHED]
    return PortUse(bool(mine), tuple(_clause(each, port) for each in others))


def _owned(found: Sequence[Listener], session: int, user: ServiceUser | None) -> list[Listener]:
    """Those that processes of a session have open; its leader is asked first, which has them as a rule."""
    mine = _opened(found, (session,), user)
    return mine if len(mine) == len(found) else _opened(found, session_members(session), user)


def _opened(found: Sequence[Listener], pids: Iterable[int], user: ServiceUser | None) -> list[Listener]:
    seen = read_open_files(pids, user).values()
    return [each for each in found if any(each.link in process.opened for process in seen)]


def _clause(listener: Listener, port: int) -> str:
    return f"another process, of user {user_name(listener.uid)}, listens on its port {port} at {listener.address}"


def _listeners(port: int) -> Iterator[Listener]:
    wanted = f":{port:04X}"
    for table in _TABLES:
        with suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                if wanted not in line:
                    continue
                fields = line.split()
                if fields[3] == _LISTEN and fields[1].endswith(wanted):
                    yield Listener(int(fields[9]), _address(fields[1].partition(":")[0]), int(fields[7]))


def _address(digits: str) -> str:
    """The address in text; the kernel prints words of four bytes in the machine's own order."""
    words = [bytes.fromhex(digits[start : start + 8]) for start in range(0, len(digits), 8)]
    raw = b"".join(int.from_bytes(word).to_bytes(4, sys.byteorder) for word in words)
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, raw)
