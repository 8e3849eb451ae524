"""Which sockets listen on a port: as the kernel answers, and as its tables say."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from addonkit.util import listeners
from addonkit.util.listeners import Listener


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as made:
        yield made


def refuse(family: int, port: int, *states: int, queued: bool = False) -> Iterator[Listener]:
    del states, queued
    raise PermissionError(f"no answer about {port} of {family}")


@pytest.fixture(params=["answer", "tables"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "tables":
        monkeypatch.setattr(listeners, "_ask", refuse)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_every_listener_of_a_port_is_told(server: socket.socket) -> None:
    port = server.getsockname()[1]
    with closing(socket.create_server(("::1", port), family=socket.AF_INET6)) as other:
        links = {f"socket:[{os.fstat(each.fileno()).st_ino}]" for each in (server, other)}
        found = listeners.listeners(port)
    assert {each.link for each in found} == links
    assert {(each.address, each.uid) for each in found} == {("127.0.0.1", os.geteuid()), ("::1", os.geteuid())}


@pytest.mark.usefixtures("way")
def test_connections_and_other_ports_are_no_listeners(server: socket.socket) -> None:
    port = server.getsockname()[1]
    with closing(socket.create_connection(("127.0.0.1", port))) as client:
        assert listeners.bound_sockets(port) == ()
        assert len(listeners.listeners(port)) == 1
        assert listeners.listeners(client.getsockname()[1]) == ()


def test_what_a_server_has_not_accepted_or_read_is_seen(server: socket.socket) -> None:
    port = server.getsockname()[1]
    assert port not in listeners.queues()
    with closing(socket.create_connection(("127.0.0.1", port))) as client:
        client.sendall(b"hello")
        peer = client.getsockname()[1]
        assert port in listeners.queues()
        assert listeners.unread_of(port, peer) == len(b"hello")
        with closing(server.accept()[0]) as accepted:
            assert port not in listeners.queues()
            assert listeners.unread_of(port, peer) == len(b"hello")
            accepted.recv(10)
            assert listeners.unread_of(port, peer) == 0


def test_a_kernel_that_tells_nothing_of_queues_makes_no_server_suspect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "_dump", refuse)
    assert listeners.queues() == frozenset()
    assert listeners.unread_of(1, 2) == 0
