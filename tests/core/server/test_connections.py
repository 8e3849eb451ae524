"""Connections of clients, on real sockets: a flood of idle or slow ones keeps no other client out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from addonkit.models.token import Role
from addonkit.server import connections
from addonkit.server.listeners import Listening

from .conftest import Client, Served, Shelf, served
from .test_api import SHOP

FEW = 6

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def api(home: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr(connections.Connections.__init__, "__defaults__", (FEW,))
    monkeypatch.setattr("addonkit.server.app.STREAMS", FEW - 2)
    async with served(home, shelf, Listening.parse("127.0.0.1:0", "", "", ())) as found:
        yield found


@pytest.fixture
async def token(api: Served) -> str:
    _token, secret = await api.kit.tokens.create("ci", Role.OPERATOR)
    return secret.reveal()


def port_of(api: Served) -> int:
    return int(next(line for line in api.said if "http://" in line).rpartition(":")[2])


@asynccontextmanager
async def flood(port: int, send: bytes, count: int) -> AsyncIterator[list[Pair]]:
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            writer.write(send)
            await writer.drain()
            made.append((reader, writer))
        yield made


async def get(port: int, token: str) -> bytes:
    async with flood(port, request("GET", "/v1/apps", token, "Connection: close"), 1) as ((reader, _writer),):
        return await asyncio.wait_for(reader.read(), 30)


def request(method: str, path: str, token: str, *headers: str) -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}", *headers, "", "")
    return "\r\n".join(lines).encode()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are all that is needed


@pytest.mark.parametrize("kind", ["idle", "head", "body"])
async def test_a_flood_keeps_no_other_client_out_and_takes_no_more_descriptors(
    api: Served, token: str, ask: Client, kind: str
) -> None:
    body = request("POST", "/v1/instances", token, "Content-Type: application/json", "Content-Length: 1000")
    sent = {"idle": b"", "head": b"GET /v1/apps HTTP/1.1\r\nHost: 127", "body": body + b"{"}[kind]
    async with flood(port_of(api), sent, 10 * FEW):
        before = descriptors()
        assert (await get(port_of(api), token)).startswith(b"HTTP/1.1 200 ")
        assert (await ask("GET", "/v1/apps")).status == 200, "the socket of this machine has room of its own"
        async with flood(port_of(api), sent, 10 * FEW) as more:
            assert (await get(port_of(api), token)).startswith(b"HTTP/1.1 200 ")
            assert descriptors() - before <= len(more) + FEW, "only those of the clients themselves, which are ours too"


async def test_followers_are_limited_and_are_not_ended_for_others(
    api: Served, token: str, shelf: Shelf, ask: Client
) -> None:
    shelf.held = asyncio.Event()
    begun = await ask("POST", "/v1/instances", SHOP)
    follow = request("GET", f"/v1/operations/{begun.data['id']}/events", token)
    async with flood(port_of(api), follow, FEW - 2) as followers:
        for reader, _writer in followers:
            assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        async with flood(port_of(api), follow, 1) as ((reader, _writer),):
            refused = await reader.readuntil(b"}")
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 5" in refused
        assert f"{FEW - 2} clients follow events already".encode() in refused
        async with flood(port_of(api), b"", 10 * FEW):
            assert (await get(port_of(api), token)).startswith(b"HTTP/1.1 200 ")
        shelf.held.set()
        for reader, _writer in followers:
            assert b"event: operation" in await asyncio.wait_for(reader.readuntil(b"event: operation"), 30)


async def test_a_connection_without_a_request_ends(home: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN", 0.1)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(served(home, shelf, Listening.parse("127.0.0.1:0", "", "", ())))
        ((reader, _writer),) = await stack.enter_async_context(flood(port_of(api), b"GET /", 1))
        with suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 30) == b""
