"""Finds sockets that listen on a TCP port of this machine, or are bound to it and may listen later. Linux, blocking.

The kernel is asked for listening sockets alone (sock_diag(7)): its tables below /proc/net show every connection, which
takes it milliseconds. They are read where it does not answer, as in some sandboxes.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)
_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_CONNECTED: Final = 1
"""TCP_ESTABLISHED."""
_LISTEN: Final = 10
"""TCP_LISTEN, see include/net/tcp_states.h; `0A` in tables."""
_BOUND: Final = 13
"""TCP_BOUND_INACTIVE: bound, neither listening nor connected. Kernels before 6.8 do not tell of those."""
_CLOSED: Final = 7
"""What the answer gives as the state of such a socket."""

_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_REQUEST_DUMP: Final = 0x301
"""NLM_F_REQUEST | NLM_F_DUMP"""
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_HEADER: Final = struct.Struct("=IHHII")
_QUESTION: Final = struct.Struct("=BBBxI48x")
"""inet_diag_req_v2: family, protocol, extensions, states, socket."""
_ANSWER: Final = struct.Struct("=BB2x2s2s16s32xI4xII")
"""inet_diag_msg: family, state, own port, port of the peer, own address, what is queued, uid, inode."""
_QUEUED: Final = struct.Struct("=I")
_QUEUED_AT: Final = 56
"""Where an answer has what is queued."""
_LIMIT: Final = 1.0
_LARGEST: Final = 1 << 16


class Listener(NamedTuple):
    """A listening socket, or one that is bound and does not listen yet.

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
        """Return what an open file of its process shows."""
        return f"socket:[{self.inode}]"


def listeners(port: int) -> tuple[Listener, ...]:
    """Return the sockets that listen on a TCP port, at any address."""
    try:
        return tuple(each for family in _FAMILIES for each in _ask(family, port, _LISTEN, _LISTEN))
    except OSError:
        return tuple(_read(port))


def bound_sockets(port: int) -> tuple[Listener, ...]:
    """Return the sockets that are bound to a TCP port and do not listen; none where the kernel does not tell."""
    try:
        return tuple(each for family in _FAMILIES for each in _ask(family, port, _BOUND, _CLOSED))
    except OSError:
        return ()


def queues() -> frozenset[int]:
    """Return the TCP ports at which connections wait to be accepted; none where the kernel does not tell."""
    try:
        return frozenset(each.port for family in _FAMILIES for each in _dump(family, _LISTEN, queued=True))
    except OSError:
        return frozenset()


def unread_of(port: int, peer: int) -> int:
    """Return how many bytes a connection to `port`, from the port `peer`, holds that its server has not read.

    One that was not accepted counts too. Returns 0 where the kernel does not tell.
    """
    try:
        found = [each for family in _FAMILIES for each in _dump(family, _CONNECTED)]
    except OSError:
        return 0
    return sum(each.queued for each in found if (each.port, each.peer) == (port, peer))


def _ask(family: int, port: int, asked_state: int, told_state: int) -> Iterator[Listener]:
    for each in _dump(family, asked_state):
        if each.state == told_state and each.port == port:
            yield Listener(each.inode, socket.inet_ntop(family, each.address), each.uid)


class _Told(NamedTuple):
    """The kernel's description of one socket."""

    state: int
    port: int
    peer: int
    address: bytes
    queued: int
    uid: int
    inode: int


def _dump(family: int, asked_state: int, *, queued: bool = False) -> Iterator[_Told]:
    """Ask the kernel, for all sockets or for those at which something is queued.

    Raises:
        OSError: it does not answer, or refuses to.
    """
    question = _QUESTION.pack(family, socket.IPPROTO_TCP, 0, 1 << asked_state)
    size = _HEADER.size + len(question)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as asked:
        asked.settimeout(_LIMIT)
        asked.sendto(_HEADER.pack(size, _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 0, 0) + question, (0, 0))
        while True:
            answer = asked.recv(_LARGEST)
            while answer:
                length, kind, *_ = _HEADER.unpack_from(answer)
                if kind == _NLMSG_DONE:
                    return
                if kind == _NLMSG_ERROR or length < _HEADER.size:
                    raise PermissionError("the kernel refuses to tell")
                if not queued or _QUEUED.unpack_from(answer, _HEADER.size + _QUEUED_AT)[0]:
                    yield _told(family, answer[_HEADER.size : length])
                answer = answer[length + 3 & ~3 :]


def _told(family: int, message: bytes) -> _Told:
    _family, state, own, peer, address, queued, uid, inode = _ANSWER.unpack_from(message)
    length = 4 if family == socket.AF_INET else 16
    return _Told(state, int.from_bytes(own), int.from_bytes(peer), address[:length], queued, uid, inode)


def _read(port: int) -> Iterator[Listener]:
    """Read the kernel's tables."""
    wanted = f":{port:04X}"
    for table in _TABLES:
        with suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                if wanted not in line:
                    continue
                fields = line.split()
                if int(fields[3], 16) == _LISTEN and fields[1].endswith(wanted):
                    yield Listener(int(fields[9]), _address(fields[1].partition(":")[0]), int(fields[7]))


def _address(digits: str) -> str:
    """Return the address in text; the kernel prints words of four bytes in the machine's own order."""
    words = [bytes.fromhex(digits[start : start + 8]) for start in range(0, len(digits), 8)]
    raw = b"".join(int.from_bytes(word).to_bytes(4, sys.byteorder) for word in words)
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, raw)
