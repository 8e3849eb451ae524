"""Tells who has a server's port: the server, or a stranger who receives the passwords of apps. Linux, blocking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from addonkit.compute.process.identity import session_members
from addonkit.compute.process.open_files import read_open_files
from addonkit.compute.process.user import ServiceUser, user_name
from addonkit.util.listeners import Listener, bound_sockets, listeners
from addonkit.util.values import frozen

_REACHED: Final = frozenset({"127.0.0.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"})  # noqa: S104 - looked for, not bound
"""Addresses at which a client that asks for 127.0.0.1, or for `localhost`, may end."""


@frozen
class PortUse:
    """The processes that listen on a port.

    Attributes:
        ours: whether the server does.
        strangers: who else does, or has bound it, where clients of the server may end; a clause each.
        addresses: where the server does.
    """

    ours: bool
    strangers: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


def look_at_port(session: int | None, port: int, user: ServiceUser | None, *, held: bool = False) -> PortUse:
    """Tell the server's own sockets from those of strangers.

    Args:
        session: of the server's processes; None when none runs.
        port: where it should listen.
        user: who the server runs as; None for ourselves.
        held: whether a command holds the port for the server, as one does that starts it.
    """
    found = listeners(port)
    if session is not None and not found:
        return PortUse(ours=False)
    mine = _owned(found, session, user) if session is not None else []
    if session is not None and not mine:
        return PortUse(ours=False)  # it is starting, or cannot be looked at
    clauses = [_clause(each, "listens on", port) for each in found if each not in mine and each.address in _REACHED]
    if not held:
        clauses += [_clause(each, "has bound", port) for each in _waiting(port, session, user)]
    return PortUse(bool(mine), tuple(clauses), tuple(each.address for each in mine))


def _waiting(port: int, session: int | None, user: ServiceUser | None) -> list[Listener]:
    """Return sockets of strangers that can listen in the moment in which the server ends."""
    found = [each for each in bound_sockets(port) if each.address in _REACHED]
    mine = _owned(found, session, user) if session is not None and found else []
    return [each for each in found if each not in mine]


def _owned(found: Sequence[Listener], session: int, user: ServiceUser | None) -> list[Listener]:
    """Return those that processes of a session have open; its leader is asked first, which has them as a rule."""
    mine = _opened(found, (session,), user)
    return mine if len(mine) == len(found) else _opened(found, session_members(session), user)


def _opened(found: Sequence[Listener], pids: Iterable[int], user: ServiceUser | None) -> list[Listener]:
    seen = read_open_files(pids, user).values()
    return [each for each in found if any(each.link in process.opened for process in seen)]


def _clause(listener: Listener, does: str, port: int) -> str:
    return f"another process, of user {user_name(listener.uid)}, {does} its port {port} at {listener.address}"
