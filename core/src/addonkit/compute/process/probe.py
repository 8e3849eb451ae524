"""Asks a server in its own protocol whether it is ready."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from addonkit.compute.process.answer import ExpectedAnswer
from addonkit.models.compute import Probe
from addonkit.models.secret import reveal
from addonkit.util.unix_sockets import trusted_socket

_LIMIT: Final = 1.0


async def answers(probe: Probe, host: str, port: int, socket: str = "") -> bool:
    """Return whether the server's answer to the probe is as expected, within a second.

    Asks through the Unix socket where the server has one: a probe may hold a password.
    """
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_LIMIT):
            reader, writer = await _connect(host, port, socket)
            try:
                writer.write(reveal(probe.send).encode("latin-1"))
                await writer.drain()
                return await _is_expected(reader, probe)
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    return False


async def _is_expected(reader: asyncio.StreamReader, probe: Probe) -> bool:
    """Read until the answer is as it should be, or cannot be any more."""
    expected = ExpectedAnswer(probe.expect, probe.pattern)
    answer = b""
    while not expected.is_met(answer):
        part = await reader.read(expected.longest - len(answer)) if len(answer) < expected.longest else b""
        if not part:
            return False
        answer += part
    return True


async def _connect(host: str, port: int, socket: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if not socket:
        return await asyncio.open_connection(host, port)
    with trusted_socket(socket) as path:
        return await asyncio.open_unix_connection(path)
