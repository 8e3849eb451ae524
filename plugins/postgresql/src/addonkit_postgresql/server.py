"""How the pool of a PostgreSQL server looks, and its sagas. Pure."""

from __future__ import annotations

import struct
from typing import Final

from addonkit import (
    CONFIG_IMAGE,
    CONFIG_VERSION,
    CreateSandboxPoolSpec,
    File,
    Mount,
    Port,
    Probe,
    Program,
    Secret,
    Server,
    parse_storage_gb,
    server_sagas,
    volume_of,
)
from addonkit_postgresql.definition import PORT, PROGRAM
from addonkit_postgresql.naming import ADMINISTRATOR

_DATA: Final = "/var/lib/postgresql/data"

_SETTINGS: Final = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",  # loopback only: a socket's path may be too long for the system
    "log_destination=stderr",
    "logging_collector=off",
    "password_encryption=scram-sha-256",
)
"""Nothing here weakens durability: fsync, synchronous_commit and full_page_writes keep their safe defaults."""


def pool_spec(server: Server) -> CreateSandboxPoolSpec:
    """The pool of a server, with a container and without one."""
    password: Secret = server.attributes["admin_password"]
    return CreateSandboxPoolSpec(
        name=server.id,
        image=server.config.get(CONFIG_IMAGE, ""),
        program=_program(server, password),
        env={"POSTGRES_PASSWORD": password, "PGDATA": f"{_DATA}/pgdata"},
        ports=(Port("postgres", PORT),),
        labels={"addon": "postgresql", "server": server.id},
        sandbox_prefix="pg",
        mounts=(Mount("data", _DATA),),
        volumes=(volume_of(server, "data", parse_storage_gb(server.config.get("storage", ""))),),
        port_wait_timeout=60.0,
    )


SERVER = server_sagas("postgresql", pool_spec, port=PORT)


def _program(server: Server, password: Secret) -> Program:
    settings = (*_SETTINGS, f"max_connections={server.config.get('connections', '100')}")
    return Program(
        source=PROGRAM,
        version=server.config.get(CONFIG_VERSION, ""),
        argv=("postgres", "-D", "{disk}", "-p", "{port}", *(word for each in settings for word in ("-c", each))),
        probe=Probe("postgres", _startup_message(), ("R",)),
        prepare=(
            (
                "initdb",
                "-D",
                "{disk}",
                f"--username={ADMINISTRATOR}",
                "--pwfile={run}/password",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--data-checksums",
            ),
        ),
        prepare_files=(File("{run}/password", Secret(password.reveal() + "\n")),),
        stop_signal="SIGINT",
        stop_timeout=60.0,
        pid_file="postmaster.pid",
    )


def _startup_message() -> str:
    """A StartupMessage (PostgreSQL manual, section 54.7), as Latin-1 text.

    A server that is ready answers with an authentication request, `R`; one that is starting with an error.
    """
    body = struct.pack("!i", 3 << 16) + b"user\0" + ADMINISTRATOR.encode() + b"\0\0"
    return (struct.pack("!i", len(body) + 4) + body).decode("latin-1")
