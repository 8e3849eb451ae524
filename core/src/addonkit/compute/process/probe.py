"""Asks a server in its own protocol whether it is ready."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from addonkit.compute.process.identity import session_members
from addonkit.compute.process.open_files import read_open_files
from addonkit.compute.process.user import ServiceUser
from addonkit.models.compute import Probe
from addonkit.models.secret import reveal
from addonkit.util.unix_sockets import trusted_socket

_LISTEN: Final = "0A"
_LIMIT: Final = 1.0
_LONGEST: Final = 4096
"""Bytes of an answer in which a pattern is looked for."""


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
    expected = [text.encode("latin-1") for text in probe.expect]
    pattern = re.compile(probe.pattern.encode("latin-1"), re.DOTALL) if probe.pattern else None
    longest = _LONGEST if pattern else max((len(each) for each in expected), default=0)
    answer = b""
    while True:
        if any(answer.startswith(each) for each in expected) or (pattern and pattern.search(answer)):
            return True
        part = await reader.read(longest - len(answer)) if len(answer) < longest else b""
        if not part:
            return False
        answer += part


async def _connect(host: str, port: int, socket: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if not socket:
        return await asyncio.open_connection(host, port)
    with trusted_socket(socket) as path:
        return await asyncio.open_unix_connection(path)


def listens(session: int, port: int, user: ServiceUser | None) -> bool:
    """Whether a process of this session listens on the port: a stranger's server is never taken for ours."""
    sockets = _listening_sockets(port)
    if not sockets:
        return False
    return any(sockets & seen.opened for seen in read_open_files(session_members(session), user).values())


def _listening_sockets(port: int) -> set[str]:
    wanted = f":{port:04X}"
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and fields[1].endswith(wanted):
                    found.add(f"socket:[{fields[9]}]")
    return found
