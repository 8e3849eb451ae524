"""The commands that an experienced user would type instead of `addonkit create`, with the same programs."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Final

import asyncpg

from addonkit.compute.process.ports import HOST, reserve
from addonkit.compute.process.programs import Programs
from addonkit.compute.process.user import chown, service_user, subprocess_credentials
from addonkit_postgresql.definition import DEFINITION, PROGRAM
from addonkit_valkey.definition import DEFINITION as VALKEY
from addonkit_valkey.definition import PROGRAM as VALKEY_PROGRAM

_SETTINGS: Final = "-c listen_addresses=127.0.0.1 -c shared_buffers=32MB -c unix_socket_directories="


class ByHand:
    """PostgreSQL and Valkey in directories below `base`, as the service user when we are root."""

    def __init__(self, base: Path) -> None:
        self.user = service_user(os.environ)
        programs = Programs(base / "programs", os.environ, self.user)
        self.postgresql = programs.resolve(PROGRAM, DEFINITION.default_version)
        self.valkey = programs.resolve(VALKEY_PROGRAM, VALKEY.default_version)
        self.base = base
        self.password = base / "password"
        self.password.write_text("postgres\n")
        chown(self.user, self.password)

    def run(self, program: str | Path, *argv: str | Path) -> None:
        """Run a program to its end."""
        options: dict[str, Any] = subprocess_credentials(self.user)
        words = [str(word) for word in (program, *argv)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **options)

    def directory(self) -> Path:
        """Return a new empty directory of the service user."""
        made = self.base / f"hand-{secrets.token_hex(4)}"
        made.mkdir(mode=0o700)
        chown(self.user, made)
        return made

    def initdb(self, data: Path) -> None:
        """Prepare a cluster."""
        words = ("-U", "postgres", "--auth=scram-sha-256", f"--pwfile={self.password}", "--data-checksums")
        self.run(self.postgresql / "initdb", "-D", data, *words)

    def start(self, data: Path) -> int:
        """Start a server and wait until it serves; returns its port."""
        port = free_port()
        options = f"-p {port} {_SETTINGS}"
        self.run(
            self.postgresql / "pg_ctl",
            "-D",
            data,
            "-l",
            data / "server.log",
            "-o",
            options,
            "-w",
            "start",
        )
        return port

    def stop(self, data: Path) -> None:
        """Stop a server."""
        self.run(self.postgresql / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop")

    def copy(self, prepared: Path, target: Path) -> None:
        """Copy a prepared directory, durable."""
        self.run("cp", "-a", "--reflink=auto", f"{prepared}/.", target)
        self.run("sync", "-f", target)

    def start_valkey(self, folder: Path) -> subprocess.Popen[bytes]:
        """Start a server and wait until it answers PING."""
        port = free_port()
        words = ["--port", str(port), "--bind", HOST, "--dir", str(folder), "--appendonly", "yes"]
        program = next(path for name in ("valkey-server", "redis-server") if (path := self.valkey / name).exists())
        options: dict[str, Any] = subprocess_credentials(self.user)
        server = subprocess.Popen([str(program), *words], stdout=subprocess.DEVNULL, cwd="/", **options)
        while not _answers(port):
            time.sleep(0.001)
        return server


async def make_tenant(connection: asyncpg.Connection, name: str) -> None:
    """Run the SQL that gives an app a database."""
    await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret'")
    await connection.execute(f"CREATE DATABASE {name} OWNER {name}")


async def drop_tenant(connection: asyncpg.Connection, name: str) -> None:
    """Run the SQL that takes it away."""
    await connection.execute(f"DROP DATABASE {name}")
    await connection.execute(f"DROP ROLE {name}")


async def first_query(url: str) -> None:
    """Connect and ask for one number."""
    connection = await asyncpg.connect(url)
    await connection.fetchval("SELECT 1")
    await connection.close()


def remove(path: Path) -> None:
    """Remove a directory."""
    shutil.rmtree(path)


def free_port() -> int:
    """Return a port that no process has."""
    for number in range(25000, 26000):
        held = reserve(number)
        if held is not None:
            held.close()
            return number
    raise SystemExit("no port is free")


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1) as client:
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False
