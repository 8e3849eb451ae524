"""Servers of every kind that the addon runs, without addonkit around them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import attrs
import pytest
import valkey

from addonkit import CONFIG_VERSION, Secret, Server, ServerAddress, reveal
from addonkit.compute.process.programs import Programs
from addonkit.testing.serving import free_port
from addonkit_valkey.acl import ADMINISTRATOR
from addonkit_valkey.admin import Administrator
from addonkit_valkey.definition import DEFINITION, PROGRAM
from addonkit_valkey.server import program

PASSWORD = Secret.generate()


@attrs.frozen
class Running:
    """A server as the addon describes it, on a disk of its own."""

    port: int
    disk: Path
    process: subprocess.Popen[bytes]

    def client(self, user: str = ADMINISTRATOR, password: Secret = PASSWORD, patience: float = 20) -> valkey.Valkey:
        """A connection as a user; the administrator unless it is said. Answers may take `patience` seconds."""
        return valkey.Valkey(port=self.port, username=user, password=password.reveal(), socket_timeout=patience)

    @property
    def password(self) -> Secret:
        """The administrator's."""
        return PASSWORD

    @property
    def said(self) -> str:
        """What the server wrote to its log."""
        return self.disk.with_name("run").joinpath("log").read_text()

    @property
    def administrator(self) -> Administrator:
        """As the addon itself reaches the server."""
        return Administrator(ServerAddress("127.0.0.1", self.port), PASSWORD)


Start = Callable[..., Running]


@pytest.fixture(params=["valkey-server", "redis-server"])
def kind(request: pytest.FixtureRequest, of_machine: Callable[[str], str]) -> str:
    """The wheel's Valkey, and Debian's Redis 7."""
    if request.param == "redis-server":
        of_machine("redis-server")
    return str(request.param)


@pytest.fixture
def start(kind: str, tmp_path: Path) -> Iterator[Start]:
    """Starts a server of a variant; what `disk` is filled with beforehand is up to the test."""
    with ExitStack() as stack:

        def start(variant: str = "small", disk: Path = tmp_path / "a [disk]*?" / "data") -> Running:
            running = _start(kind, variant, disk)
            stack.callback(running.process.wait, 30)
            stack.callback(running.process.terminate)
            return running

        yield start


def _start(kind: str, variant: str, disk: Path) -> Running:
    found = DEFINITION.variant(variant)
    assert found is not None
    config = {**found.config, CONFIG_VERSION: ""}
    asked = program(Server("valkey-1", "valkey", "k3", config=config, attributes={"admin_password": PASSWORD}))
    run, port = disk.with_name("run"), free_port()
    for folder in (disk, run):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def fill(text: str | Secret) -> str:
        places = {"{disk}": str(disk), "{run}": str(run), "{sockets}": "../run", "{port}": str(port)}
        filled = reveal(text)
        for placeholder, value in places.items():
            filled = filled.replace(placeholder, value)
        return filled

    for file in asked.files:
        Path(fill(file.path)).write_text(fill(file.content))
    executable = _directory(kind)
    argv = [fill(word) for word in asked.argv]
    with (run / "log").open("wb") as log:
        environ = {"PATH": f"{executable}:{os.defpath}"}
        process = subprocess.Popen(argv, cwd=disk, env=environ, stdout=log, stderr=log)
    running = Running(port, disk, process)
    _wait(running)
    return running


def _directory(kind: str) -> str:
    source = attrs.evolve(PROGRAM, executables=(kind,))
    environ = {"PATH": os.defpath} if kind == "redis-server" else {}
    return Programs(Path(os.devnull), environ, None).find(source)[0].directory


def _wait(running: Running) -> None:
    """Until it answers, or has ended."""
    with running.client() as client:
        while running.process.poll() is None:
            try:
                if client.ping():
                    return
            except (valkey.exceptions.ConnectionError, valkey.exceptions.BusyLoadingError):
                continue
