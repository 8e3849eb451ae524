"""Who else listens where apps look for a server is noticed, while it runs and when it does not."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import socket
from typing import Any

import pytest

ME = pwd.getpwuid(os.geteuid()).pw_name


def listening(address: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in address:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind((address, port))
    listener.listen()
    return listener


@pytest.mark.parametrize(("address", "seen"), [("::1", True), ("::", True), ("127.0.0.9", False)])
async def test_a_stranger_beside_a_server_is_seen(bench: Any, address: str, seen: bool) -> None:
    pool = await bench.start(bench.pool())
    port = pool.ports["main"]
    assert (await bench.ready(pool)).strangers == ()

    with listening(address, port):
        state = await bench.backend.observe(pool)

    assert state.ready
    expected = f"another process, of user {ME}, listens on its port {port} at {address}"
    assert state.strangers == ((expected,) if seen else ())
    assert (await bench.backend.observe(pool)).strangers == ()


async def test_a_stranger_who_waits_on_a_bound_socket_is_seen(bench: Any) -> None:
    pool = await bench.start(bench.pool())
    port = pool.ports["main"]
    os.kill((await bench.ready(pool)).pid, signal.SIGKILL)
    while (await bench.backend.observe(pool)).running:
        await asyncio.sleep(0.01)

    with socket.socket() as waiting:
        waiting.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        waiting.bind(("127.0.0.1", port))
        expected = (f"another process, of user {ME}, has bound its port {port} at 127.0.0.1",)
        assert (await bench.backend.observe(pool)).strangers == expected
        await bench.backend.ensure_running(pool)
        assert (await bench.ready(pool)).ready
        assert (await bench.another().observe(pool)).strangers == expected

    assert (await bench.backend.observe(pool)).strangers == ()


async def test_what_a_command_holds_for_a_server_is_no_strangers(bench: Any) -> None:
    pool = await bench.start(bench.pool(), start=False)
    await bench.backend.ensure_running(pool)
    assert (await bench.another().observe(pool)).strangers == ()
    assert (await bench.ready(pool)).strangers == ()


async def test_a_stranger_in_the_place_of_a_server_is_seen(bench: Any) -> None:
    pool = await bench.start(bench.pool())
    os.kill((await bench.ready(pool)).pid, signal.SIGKILL)
    while (await bench.backend.observe(pool)).running:
        await asyncio.sleep(0.01)
    assert (await bench.backend.observe(pool)).strangers == ()

    with listening("127.0.0.1", pool.ports["main"]):
        state = await bench.backend.observe(pool)

    assert not state.running
    assert len(state.strangers) == 1
