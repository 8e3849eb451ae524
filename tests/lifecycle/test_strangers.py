"""Another process takes the port of a server that is down: it learns no password and is believed nothing."""

from __future__ import annotations

import signal
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import addonkit
from addonkit import Busy, InstanceFailed
from addonkit.compute.process.identity import is_running, send
from addonkit.compute.process.record import read_record

CLEARTEXT = b"R" + struct.pack("!ii", 8, 3)


def answer_to(said: bytes) -> bytes:
    """What a stranger says to be taken for a server: any password is asked for or accepted, anything is done."""
    if said[4:8] == struct.pack("!i", 3 << 16):
        return CLEARTEXT
    return (
        b"*2\r\n$1\r\n0\r\n*0\r\n" if b"SCAN" in said.upper() else b"$0\r\n\r\n" if b"INFO" in said else b"+OK\r\n" * 9
    )


@contextmanager
def listening(port: int) -> Iterator[bytearray]:
    """Listens on a port as a stranger does, and keeps what it hears."""
    heard = bytearray()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()

        def serve(connection: socket.socket) -> None:
            with connection:
                try:
                    while said := connection.recv(4096):
                        heard.extend(said)
                        connection.sendall(answer_to(said))
                except OSError:
                    return

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield heard
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def kill_server(home: Path) -> None:
    (path,) = home.glob("pools/*/record")
    record = read_record(path)
    assert record is not None
    send(record.server, signal.SIGQUIT if "postgresql" in path.parent.name else signal.SIGKILL)
    while is_running(record.server):
        pass


@pytest.mark.all_day("valkey")
@pytest.mark.parametrize("addon", ["postgresql", "valkey"])
async def test_a_stranger_on_the_port_learns_nothing_and_nothing_is_called_removed(home: Path, addon: str) -> None:
    prefix = {"postgresql": "PG", "valkey": "VALKEY_"}[addon]
    async with addonkit.open(home) as kit:
        for app in ("alpha", "beta"):
            await kit.create(f"{addon}:shared", app=app)
        port = int((await kit.environment("alpha")).as_dict()[f"{prefix}PORT"])
        kill_server(home)

        with listening(port) as heard:
            with pytest.raises(
                Busy, match=f"its server is down, and another process.* listens on its port {port}"
            ) as failed:
                await kit.destroy(f"alpha-{addon}")
            with pytest.raises(InstanceFailed, match=f"another process listens on its port {port}"):
                await kit.create(f"{addon}:shared", app="gamma")

        assert "\n" not in str(failed.value)
        assert bytes(heard) == b"", "it was not even spoken to"
        (view,) = [view for view in await kit.instances() if view.instance.name == f"alpha-{addon}"]
        assert view.instance.phase == "active", "it is not called removed, and keeps its variables"

        await kit.destroy(f"alpha-{addon}")
        assert {view.instance.app for view in await kit.instances()} == {"beta", "gamma"}
        assert "orphan-claim" not in {finding.kind for finding in await kit.doctor()}


@pytest.mark.parametrize("addon", ["postgresql", "valkey"])
async def test_the_administrator_comes_by_a_socket_whatever_the_length_of_the_home(home: Path, addon: str) -> None:
    long = home / ("h" * 100) / ("h" * 100)
    long.mkdir(parents=True)
    for each in (long.parent, long):
        each.chmod(0o711)
    async with addonkit.open(long) as kit:
        await kit.create(f"{addon}:shared", app="alpha")
        (record,) = long.glob("pools/*/record")
        (found,) = (path for path in (record.parent / "sockets").iterdir() if path.suffix != ".lock")
        assert found.is_socket()
        assert record.parent.joinpath("sockets").stat().st_mode & 0o022 == 0

        kill_server(long)
        await kit.create(f"{addon}:shared", app="beta")
        assert found.is_socket(), "what the killed server left was cleared away"
        for app in ("alpha", "beta"):
            await kit.destroy(f"{app}-{addon}")
