"""Connections of clients: so many at most, and those that ask for nothing make room for those that do."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Final

import attrs

_log = logging.getLogger(__name__)

MOST: Final = 256
"""Connections that are open at the same time, on sockets of one kind."""

STREAMS: Final = 128
"""Connections that follow events at the same time."""

HEAD_WITHIN: Final = 30.0
"""Seconds in which the first request of a connection arrives."""

HANDSHAKE_WITHIN: Final = 10.0
"""Seconds in which TLS begins."""

_PAUSE: Final = 0.5
"""Seconds until the next connection is accepted after one could not be."""

_FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 44\r\nConnection: close\r\n\r\nall connections are in use; try again later\n"
)


@attrs.define(eq=False)
class Connection:
    """One of a client.

    Attributes:
        accepted: the socket.
        transport: None before TLS has begun.
        works: for how many requests something is done; a body that is still to come is no work.
        asked: whether a request came.
    """

    accepted: socket.socket
    transport: asyncio.Transport | None = None
    works: int = 0
    asked: bool = False

    def end(self) -> None:
        """End it at once."""
        if self.transport is not None:
            self.transport.abort()
        else:
            with suppress(OSError):
                self.accepted.shutdown(socket.SHUT_RDWR)


_current: ContextVar[Connection | None] = ContextVar("connection", default=None)
"""That the request came by which is answered."""


@contextmanager
def waiting_for_client() -> Iterator[None]:
    """Let the connection go while the block lasts, although a request is answered: the client is waited for."""
    connection = _current.get()
    if connection is None:
        yield
        return
    connection.works -= 1
    try:
        yield
    finally:
        connection.works += 1


class Connections:
    """Those that are open.

    Args:
        most: of them at the same time.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._open: dict[Connection, None] = {}
        """In the order in which they last did something."""
        self._by_transport: dict[asyncio.BaseTransport, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def accept(
        self, listening: socket.socket, tls: ssl.SSLContext | None, make: Callable[[], asyncio.Protocol]
    ) -> None:
        """Accept connections until the task is cancelled; those that are open stay. `make` gives what talks to each."""
        loop = asyncio.get_running_loop()
        listening.setblocking(False)  # noqa: FBT003 - of the standard library
        while True:
            try:
                accepted, _ = await loop.sock_accept(listening)
            except OSError as error:  # no descriptor is left, or the client has gone already
                _log.warning("a connection cannot be accepted: %s", error)
                await asyncio.sleep(_PAUSE)
                continue
            connection = Connection(accepted)
            full = not self._make_room()
            self._open[connection] = None
            task = asyncio.create_task(self._begin(connection, tls, _Refusal if full else make))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @contextmanager
    def working(self, transport: asyncio.BaseTransport | None) -> Iterator[None]:
        """Keep the connection of a request while the block lasts: something is done for it."""
        connection = self._by_transport.get(transport) if transport is not None else None
        if connection is None:
            yield
            return
        connection.works, connection.asked = connection.works + 1, True
        _current.set(connection)
        try:
            yield
        finally:
            connection.works -= 1
            if self._open.pop(connection, False) is None:
                self._open[connection] = None

    def _make_room(self) -> bool:
        """End what has done nothing for longest, if it has to be; return whether there is room."""
        if len(self._open) < self._most:
            return True
        idle = next((each for each in self._open if not each.works), None)
        if idle is None:
            return False
        self._open.pop(idle)
        idle.end()
        return True

    async def _begin(
        self, connection: Connection, tls: ssl.SSLContext | None, make: Callable[[], asyncio.Protocol]
    ) -> None:
        loop = asyncio.get_running_loop()
        within = HANDSHAKE_WITHIN if tls else None
        try:
            await loop.connect_accepted_socket(
                lambda: _Guard(make(), connection, self), connection.accepted, ssl=tls, ssl_handshake_timeout=within
            )
        except (OSError, asyncio.CancelledError):  # TLS did not begin
            self.forget(connection)
            connection.accepted.close()
            return
        loop.call_later(HEAD_WITHIN, self._end_silent, connection)

    def _end_silent(self, connection: Connection) -> None:
        if connection in self._open and not connection.asked:
            connection.end()

    def know(self, connection: Connection, transport: asyncio.Transport) -> None:
        """Note what a connection is written to by."""
        connection.transport = transport
        self._by_transport[transport] = connection

    def forget(self, connection: Connection) -> None:
        """Note that a connection has ended."""
        self._open.pop(connection, None)
        if connection.transport is not None:
            self._by_transport.pop(connection.transport, None)


class _Guard(asyncio.Protocol):
    """Notes begin and end of a connection, for the protocol that talks to its client."""

    def __init__(self, inner: asyncio.Protocol, connection: Connection, connections: Connections) -> None:
        self._inner = inner
        self._connection = connection
        self._connections = connections
        self.data_received = inner.data_received  # type: ignore[method-assign]  # no step between
        self.eof_received = inner.eof_received  # type: ignore[method-assign]
        self.pause_writing = inner.pause_writing  # type: ignore[method-assign]
        self.resume_writing = inner.resume_writing  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._connections.know(self._connection, transport)
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.forget(self._connection)
        self._inner.connection_lost(exc)


class _Refusal(asyncio.Protocol):
    """Says that there is no room."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(_FULL)
        transport.close()
