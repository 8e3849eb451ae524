"""Authenticates by SCRAM or not at all: the driver would send a password in clear to whatever asks for it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any, Final

_OK: Final = 0
_SASL: Final = 10
_SASL_CONTINUE: Final = 11
_SASL_FINAL: Final = 12
_NEXT: Final = {_SASL: _SASL_CONTINUE, _SASL_CONTINUE: _SASL_FINAL, _SASL_FINAL: _OK}
"""Which request may follow which (PostgreSQL manual, 54.2.1); after the last one the server has proved that it knows
the password too."""

_NAMES: Final = {_OK: "nothing", 3: "the password in clear", 5: "an MD5 digest of the password"}

_HEADER: Final = 5
_LONGEST: Final = 1 << 16
"""Bytes of a message before the session begins."""


class ScramOnlyLoop:
    """The event loop, for a driver that makes its connections with it.

    Attributes:
        fault: why a server was refused; empty when none was.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.fault = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def create_connection(self, factory: Callable[[], Any], host: str, port: int) -> tuple[Any, Any]:
        """Connect to a port, see asyncio."""
        transport, guard = await self._loop.create_connection(lambda: _Guard(factory(), self._refuse), host, port)
        return transport, guard.inner

    async def create_unix_connection(self, factory: Callable[[], Any], path: str) -> tuple[Any, Any]:
        """Connect to a Unix socket, see asyncio."""
        transport, guard = await self._loop.create_unix_connection(lambda: _Guard(factory(), self._refuse), path)
        return transport, guard.inner

    def _refuse(self, fault: str) -> None:
        self.fault = fault


class _Guard(asyncio.Protocol):
    """Stands before the driver's protocol until the server has proved itself; lets whole messages through."""

    def __init__(self, inner: Any, refuse: Callable[[str], None]) -> None:
        self.inner = inner
        self._refuse = refuse
        self._transport: Any = None
        self._waiting = b""
        self._expected = _SASL

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = transport
        self.inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self.inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._waiting += data
        while (message := self._next_message()) is not None:
            fault = self._fault_of(message)
            if fault:
                self._refuse(fault)
                self._transport.abort()
                self._waiting = b""
                return
            self._waiting = self._waiting[len(message) :]
            if message[:1] == b"R" and _code(message) == _OK:
                self._transport.set_protocol(self.inner)
                self.inner.data_received(message + self._waiting)
                return
            self.inner.data_received(message)

    def _next_message(self) -> bytes | None:
        if len(self._waiting) < _HEADER:
            return None
        size = 1 + int.from_bytes(self._waiting[1:_HEADER])
        if not _HEADER <= size <= _LONGEST:
            return self._waiting
        return self._waiting[:size] if len(self._waiting) >= size else None

    def _fault_of(self, message: bytes) -> str:
        """Return why a message must not reach the driver; empty for one that may."""
        kind = message[:1]
        if kind in b"EN" and _is_whole(message):
            return ""
        if kind != b"R" or not _is_whole(message):
            return "its answer is not PostgreSQL's"
        code = _code(message)
        if code != self._expected:
            return f"it asks for {_NAMES.get(code, f'authentication {code}')} instead of SCRAM"
        self._expected = _NEXT.get(code, _SASL)
        return ""


def _is_whole(message: bytes) -> bool:
    return 1 + int.from_bytes(message[1:_HEADER]) == len(message)


def _code(message: bytes) -> int:
    return int(struct.unpack_from("!i", message + bytes(4), _HEADER)[0])
