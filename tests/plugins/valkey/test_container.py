"""The command that a container gets, run without one."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import valkey

from addonkit import CONFIG_VERSION, Secret, Server, reveal
from addonkit.compute.process.programs import Programs
from addonkit_valkey.acl import ADMINISTRATOR
from addonkit_valkey.definition import DEFINITION, PORT, PROGRAM
from addonkit_valkey.server import MOUNT, container

PASSWORD = Secret.generate()


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def client(port: int, tmp_path: Path) -> Iterator[valkey.Valkey]:
    """Nobody in particular, at a server started as in a container, but with a port and a directory of the test's."""
    config = {**DEFINITION.variants[0].config, CONFIG_VERSION: "9"}
    spec = container(Server("valkey-1", "valkey", "k3", config=config, attributes={"admin_password": PASSWORD}))
    program = Programs(tmp_path / "programs", {}, None).find(PROGRAM)[0]
    script = spec.command[-1].replace(MOUNT, str(tmp_path)).replace(f"port {PORT}", f"port {port}")
    environ = {name: reveal(value) for name, value in spec.env.items()}
    environ["PATH"] = f"{program.directory}:{os.defpath}"
    running = subprocess.Popen([*spec.command[:-1], script], env=environ, stdout=subprocess.DEVNULL)
    try:
        yield valkey.Valkey(port=port, socket_timeout=10)
    finally:
        running.terminate()
        running.wait(30)


def test_a_container_lets_nobody_in_but_the_administrator(client: valkey.Valkey, port: int, tmp_path: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            client.ping()
        except valkey.exceptions.AuthenticationError:
            break
        except valkey.exceptions.ConnectionError:
            time.sleep(0.05)
    administrator = valkey.Valkey(port=port, username=ADMINISTRATOR, password=PASSWORD.reveal())

    assert administrator.config_get("maxmemory", "maxmemory-policy", "appendfsync") == {
        "maxmemory": str(256 * 1024 * 1024), "maxmemory-policy": "noeviction", "appendfsync": "everysec",
    }  # fmt: skip
    with pytest.raises((valkey.exceptions.AuthenticationError, valkey.exceptions.NoPermissionError)):
        client.get("anything")
    assert (tmp_path / "users.acl").stat().st_mode & 0o777 == 0o600


def test_no_secret_is_in_the_command_of_a_container() -> None:
    config = {**DEFINITION.variants[0].config, CONFIG_VERSION: "9"}
    spec = container(Server("valkey-1", "valkey", "k3", config=config, attributes={"admin_password": PASSWORD}))

    assert PASSWORD.reveal() not in " ".join(spec.command)
    assert PASSWORD.reveal() not in repr(spec)
