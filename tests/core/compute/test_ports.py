"""Ports that stay a pool's own."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addonkit.compute.process.ports import HOST, Ports, outside, reserve

NUMBERS = st.integers(1024, 65536)


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_no_port_of_clients_is_given_to_a_server_while_there_are_others(a: int, b: int, c: int, d: int) -> None:
    allowed, ephemeral = range(*sorted((a, b))), range(*sorted((c, d)))
    chosen = outside(allowed, ephemeral)

    assert set(chosen) <= set(allowed)
    if set(allowed) - set(ephemeral):
        assert not set(chosen) & set(ephemeral)
    else:
        assert chosen == list(allowed)


def test_a_port_whose_connections_are_closing_is_taken_again(tmp_path: Path) -> None:
    ports = Ports(tmp_path, range(27000, 27100))
    port = ports.take("pool", ("main",))["main"]
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((HOST, port))
        server.listen()
        with socket.create_connection((HOST, port)) as client:
            server.accept()[0].close()  # the server closes first: its end lingers
            client.recv(1)
    ports.close()
    assert reserve(port) is None

    assert ports.reacquire("pool", [port]) is None
    ports.close()


def test_a_port_a_stranger_listens_on_is_named(tmp_path: Path) -> None:
    ports = Ports(tmp_path, range(27100, 27200))
    port = ports.take("pool", ("main",))["main"]
    ports.close()
    with socket.create_server((HOST, port)):
        assert ports.reacquire("pool", [port]) == port
    assert ports.reacquire("pool", [port]) is None
    ports.close()


def test_a_pool_that_was_placed_by_somebody_who_died_gets_the_same_port(tmp_path: Path) -> None:
    first, second = Ports(tmp_path, range(27200, 27300)), Ports(tmp_path, range(27200, 27300))
    taken = first.take("pool", ("main", "other"))
    first.close()

    assert second.take("pool", ("main", "other")) == taken
    assert len(set(taken.values())) == 2
    second.free("pool")
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_stranger_that_holds_a_port_without_listening_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ports = Ports(tmp_path, range(27500, 27600))
    port = ports.take("pool", ("main",))["main"]
    ports.close()
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind((HOST, port))
        assert ports.reacquire("pool", [port]) is None
    ports.close()

    assert f"another process holds port {port} of server pool without listening" in caplog.text


def test_another_command_on_the_same_home_is_no_stranger(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = Ports(tmp_path, range(27600, 27700)), Ports(tmp_path, range(27600, 27700))
    port = first.take("pool", ("main",))["main"]

    assert second.reacquire("pool", [port]) is None
    first.close()
    assert first.reacquire("pool", [port]) is None

    assert not caplog.text
    first.close()
    second.close()
