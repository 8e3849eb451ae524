"""One question to a server in its own protocol, on a connection of its own. Blocking only as said."""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
import termios
import time
from contextlib import ExitStack, suppress
from typing import Final, NamedTuple

from addonkit.compute.process.answer import ExpectedAnswer
from addonkit.models.health import Answer
from addonkit.util.listeners import unread_of
from addonkit.util.unix_sockets import trusted_socket

_CONNECT: Final = 0.05
"""Seconds in which this machine connects; the server need not do anything for that."""

_PART: Final = 4096
"""Bytes that are read at once."""

_FULL: Final = frozenset({errno.EAGAIN, errno.ETIMEDOUT})
"""Errors that tell of a queue of connections that the server does not accept."""


class ProbeRequest(NamedTuple):
    """A question to a server, and where it is asked.

    Attributes:
        send: bytes that are written after connecting.
        expected: judges the answer.
        host: with `port`, where the server listens.
        path: of its Unix socket; empty without one. Then that is asked.
    """

    send: bytes
    expected: ExpectedAnswer
    host: str
    port: int
    path: str = ""


class ProbeConnection:
    """Asks when it is made; then `read` tells what came.

    Attributes:
        answer: what came back; None as long as nothing is clear.
        received: the bytes that came so far.
        began: when it was asked, by the monotonic clock.
    """

    def __init__(self, request: ProbeRequest) -> None:
        self.began = time.monotonic()
        self._request = request
        self.received = b""
        self._socket: socket.socket | None = None
        self.answer: Answer | None = None
        try:
            self._socket = _connected(request)
            self._socket.sendall(request.send)
            self._socket.setblocking(False)  # noqa: FBT003 - of the standard library
        except OSError as error:
            self.answer = Answer.SILENT if error.errno in _FULL or isinstance(error, TimeoutError) else Answer.REFUSED

    def fileno(self) -> int:
        """Return the descriptor to wait on for reading; -1 without a connection."""
        return -1 if self._socket is None else self._socket.fileno()

    def read(self) -> Answer | None:
        """Take what has come, without waiting; return the answer, None as long as it is not whole."""
        if self._socket is None or self.answer is not None:
            return self.answer
        with suppress(BlockingIOError):
            self.answer = self._judged(self._socket)
        return self.answer

    def is_taken(self) -> bool:
        """Return whether the server has accepted the connection and read the question, as far as the kernel tells."""
        if self._socket is None:
            return False
        if self._request.path:
            return not struct.unpack("i", fcntl.ioctl(self._socket, termios.TIOCOUTQ, b"\0" * 4))[0]
        unread = unread_of(self._socket.getpeername()[1], self._socket.getsockname()[1])
        return not unread

    def close(self) -> None:
        """End the connection, in order: what was not read would reset it, which servers write into their logs."""
        if self._socket is not None:
            self._socket.close()

    def _judged(self, connection: socket.socket) -> Answer | None:
        expected = self._request.expected
        while not expected.is_met(self.received):
            if len(self.received) >= expected.longest:
                return Answer.OTHER
            try:
                part = connection.recv(_PART)
            except BlockingIOError:
                raise
            except OSError:
                return Answer.OTHER
            if not part:
                return Answer.OTHER
            self.received += part
        return Answer.READY


def _connected(request: ProbeRequest) -> socket.socket:
    if not request.path:
        return socket.create_connection((request.host, request.port), timeout=_CONNECT)
    with ExitStack() as failed:
        connection = failed.enter_context(socket.socket(socket.AF_UNIX))
        connection.setblocking(False)  # noqa: FBT003 - of the standard library
        with trusted_socket(request.path) as path:
            connection.connect(path)
        connection.settimeout(_CONNECT)
        failed.pop_all()
        return connection
