"""Asks a server in its own protocol whether it is ready, without an event loop. Blocking."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from addonkit.compute.process.answer import ExpectedAnswer
from addonkit.util.listeners import listeners
from addonkit.util.unix_sockets import trusted_socket

_LIMIT: Final = 1.0
"""Seconds that a server has for its answer."""


_PART: Final = 4096
"""Bytes that are read at once."""


class Question(NamedTuple):
    """What a server is asked, and where.

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


def answers(question: Question) -> bool:
    """Return whether the server's answer is as expected, within a second."""
    deadline = time.monotonic() + _LIMIT
    with suppress(OSError), _connected(question, deadline) as connection:
        connection.sendall(question.send)
        answer = b""
        while not question.expected.is_met(answer):
            left = question.expected.longest - len(answer)
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            # All that came is read: closing on the rest resets the connection, which servers write into their logs.
            part = connection.recv(max(left, _PART)) if left > 0 else b""
            if not part:
                return False
            answer += part
        return True
    return False


def listens(pid: int, port: int) -> bool:
    """Return whether exactly this process, and no other one, is seen to listen on a port.

    Raises:
        OSError: the process has ended, or does not show what it has open.
    """
    missing = {each.link for each in listeners(port)}
    if not missing:
        return False
    folder = f"/proc/{pid}/fd"
    for number in os.listdir(folder):  # noqa: PTH208 - names are all that is needed
        with suppress(FileNotFoundError):
            missing.discard(os.readlink(f"{folder}/{number}"))  # noqa: PTH115 - the target is no path
            if not missing:
                return True
    return False


@contextmanager
def _connected(question: Question, deadline: float) -> Iterator[socket.socket]:
    if not question.path:
        with socket.create_connection((question.host, question.port), timeout=_LIMIT) as connection:
            yield connection
        return
    with trusted_socket(question.path) as path, socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        connection.connect(path)
        yield connection
