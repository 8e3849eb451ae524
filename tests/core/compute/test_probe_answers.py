"""A probe knows a ready server by the beginning of its answer, or by a pattern in it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from addonkit.compute.process.probe import answers
from addonkit.models.compute import Probe

GREETING = b"\x4a\x00\x00\x00\x0a8.4.0-server\x00"


@pytest.mark.parametrize(
    ("probe", "ready"),
    [
        (Probe("db", "", pattern=r"\A.{3}\x00\x0a[0-9]"), True),
        (Probe("db", "PING\r\n", pattern="PONG"), True),
        (Probe("db", "PING\r\n", ("PONG",)), False),
        (Probe("db", "PING\r\n", ("J",)), True),
        (Probe("db", "PING\r\n", pattern="NEVER"), False),
        (Probe("db", "PING\r\n"), False),
    ],
)
async def test_an_answer_is_expected_by_its_beginning_or_a_pattern(probe, ready):
    ended = asyncio.Event()

    async def serve(reader, writer):
        with suppress(ConnectionError):
            writer.write(GREETING[:5])
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.write(GREETING[5:] + b"INFO {}\r\n")
            if await reader.read(6):
                writer.write(b"PONG\r\n")
            await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        assert await answers(probe, "127.0.0.1", server.sockets[0].getsockname()[1]) is ready
        await ended.wait()
