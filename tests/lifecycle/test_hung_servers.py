"""`addonkit serve` restarts servers that hang, and leaves alone those that are busy, full or paused. All are real."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

import addonkit
from addonkit.models.compute import Pool
from addonkit.models.secret import reveal
from addonkit.testing.command import CommandLine

pytestmark = pytest.mark.slow

SOON = 30.0
"""Seconds in which a server that hangs is back, also on a machine with much else to do; a busy one has a minute."""

FULL = 300
"""Connections, more than the servers of these tests take."""


async def pool_of(kit: addonkit.Kit, addon: str) -> Pool:
    await kit.create(f"{addon}:small", "shop")
    return next(each.value for each in await kit._store.list(Pool) if each.name.startswith(addon))


@contextmanager
def kept(addonkit_command: CommandLine) -> Iterator[Callable[[], str]]:
    """Serve; what is called gives the lines that were said."""
    process = addonkit_command.start("serve")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("serving ")
    assert process.stdout.readline().startswith("answering ")
    os.set_blocking(process.stdout.fileno(), False)
    said: list[str] = []

    def lines() -> str:
        said.append(os.read(process.stdout.fileno(), 1 << 16).decode() if _has(process.stdout.fileno()) else "")
        return "".join(said)

    try:
        yield lines
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _has(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


async def _says(said: Callable[[], str], words: str) -> bool:
    limit = monotonic() + SOON
    while words not in said() and monotonic() < limit:
        await asyncio.sleep(0.05)
    return words in said()


class Server:
    """One server, by its pool, and questions to it as its administrator."""

    def __init__(self, home: Path, pool: Pool) -> None:
        self.pool = pool
        self.record = home / "pools" / pool.name / "record"
        assert pool.spec.program is not None
        self.probe = reveal(pool.spec.program.probe.send).encode("latin-1")

    @property
    def pid(self) -> int:
        try:
            return int(json.loads(self.record.read_text())["pid"])
        except (FileNotFoundError, ValueError):  # it is being written
            return 0

    def connect(self, send: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", next(iter(self.pool.ports.values()))), timeout=SOON)
        connection.sendall(send)
        return connection

    def log_in(self) -> socket.socket:
        connection = self.connect(self.probe)
        assert connection.recv(1000)
        sleep(0.1)
        return connection

    def is_replaced(self, former: int) -> bool:
        limit = monotonic() + SOON
        while self.pid in {0, former} and monotonic() < limit:
            sleep(0.02)
        return self.pid not in {0, former}


def ask(connection: socket.socket, command: bytes) -> bytes:
    connection.sendall(command + b"\r\n")
    return connection.recv(1000)


async def test_a_cache_that_hangs_comes_back_and_one_that_works_or_is_paused_stays(
    kit: addonkit.Kit, home: Path, addonkit_command: CommandLine
) -> None:
    server = Server(home, await pool_of(kit, "valkey"))
    with kept(addonkit_command) as said, closing(socket.create_server(("127.0.0.1", 0))) as mute:
        first = server.pid
        with closing(server.log_in()) as client:
            assert b"OK" in ask(client, b"CLIENT PAUSE 4000 ALL")
            assert ask(client, b"PING") == b"+PONG\r\n", "it was paused, and goes on"
            loop = b"EVAL \"local t = redis.call('TIME')[1] while redis.call('TIME')[1] - t < 4 do end return 7\" 0"
            assert ask(client, loop) == b":7\r\n", "it was busy, and goes on"
            assert b"OK" in ask(client, b"SET key value")
            assert (server.pid, said()) == (first, ""), "nothing was to be done, or said"

            client.sendall(b"MIGRATE 127.0.0.1 %d key 0 600000\r\n" % mute.getsockname()[1])  # waits for what is mute
            assert server.is_replaced(first)
        second = server.pid
        assert await _says(said, "did not answer, it was restarted"), "it serves"
        os.kill(second, signal.SIGSTOP)
        assert server.is_replaced(second)
        assert await _says(said, "was kept from running by a signal, it was restarted")
        with closing(server.log_in()) as client:
            assert ask(client, b"PING") == b"+PONG\r\n"


async def test_a_database_that_hangs_comes_back_and_one_that_is_full_or_recovers_stays(
    kit: addonkit.Kit, home: Path, addonkit_command: CommandLine
) -> None:
    server = Server(home, await pool_of(kit, "postgresql"))
    with kept(addonkit_command) as said:
        first = server.pid
        with ExitStack() as stack:
            taken = [stack.enter_context(closing(server.connect(server.probe))) for _ in range(FULL)]
            assert b"too many clients" in taken[-1].recv(1000)
            await asyncio.sleep(12)
            assert server.pid == first, "it is full, and not ended: apps wait for a place"
        with closing(server.connect(server.probe)) as victim:
            assert victim.recv(1) == b"R"
            children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
            os.kill(int(children[-1]), signal.SIGKILL)
            assert victim.recv(1000) is not None
        await asyncio.sleep(3)
        assert server.pid == first, "it recovers by itself"

        os.kill(first, signal.SIGSTOP)
        assert server.is_replaced(first)
        assert await _says(said, "was kept from running by a signal, it was restarted")
