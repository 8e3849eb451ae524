"""How the pool of a Valkey server looks, and its sagas. Pure."""

from __future__ import annotations

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
from addonkit_valkey.acl import ADMINISTRATOR, initial_file
from addonkit_valkey.definition import PORT, PROGRAM, SERVER_PROGRAM

_SETTINGS: Final = """\
bind 127.0.0.1
port {port}
dir "{disk}"
aclfile "{disk}/users.acl"
daemonize no
appendonly yes
appendfsync everysec
"""
"""Passwords are in no command line: everybody on the machine reads those."""


def pool_spec(server: Server) -> CreateSandboxPoolSpec:
    """The pool of a server, with a container and without one."""
    password: Secret = server.attributes["admin_password"]
    return CreateSandboxPoolSpec(
        name=server.id,
        image=server.config.get(CONFIG_IMAGE, ""),
        program=_program(server, password),
        ports=(Port("valkey", PORT),),
        labels={"addon": "valkey", "server": server.id},
        sandbox_prefix="vk",
        mounts=(Mount("data", "/data"),),
        volumes=(volume_of(server, "data", parse_storage_gb(server.config.get("storage", ""))),),
        port_wait_timeout=60.0,
    )


SERVER = server_sagas("valkey", pool_spec, port=PORT)


def _program(server: Server, password: Secret) -> Program:
    limits = "".join(f"{name} {server.config[name]}\n" for name in ("maxmemory", "maxmemory-policy"))
    return Program(
        source=PROGRAM,
        version=server.config.get(CONFIG_VERSION, ""),
        argv=(SERVER_PROGRAM, "{run}/valkey.conf"),
        # Logged in, since a server that is still loading refuses commands but not strangers.
        probe=Probe("valkey", Secret(f"AUTH {ADMINISTRATOR} {password.reveal()}\r\nPING\r\n"), ("+OK\r\n+PONG\r\n",)),
        files=(
            File("{run}/valkey.conf", _SETTINGS + limits),
            # The server itself changes this file when users come and go.
            File("{disk}/users.acl", Secret(initial_file(password)), once=True),
        ),
        stop_signal="SIGTERM",
        stop_timeout=60.0,
    )
