"""How a Valkey server runs. Pure."""

from __future__ import annotations

from typing import Final

from addonkit import ContainerSpec, File, Probe, Program, Secret, Server, admin_password
from addonkit_valkey.acl import ADMINISTRATOR, initial_file
from addonkit_valkey.definition import PORT, PROGRAM, SERVER_PROGRAM

MOUNT: Final = "/data"

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

_IN_CONTAINER: Final = """\
umask 077
test -e {mount}/users.acl || printf '%s' "$ADDONKIT_USERS" >{mount}/users.acl
unset ADDONKIT_USERS
exec valkey-server --port {port} --dir {mount} --aclfile {mount}/users.acl \\
  --appendonly yes --appendfsync everysec {limits}
"""


def program(server: Server) -> Program:
    """How a server runs without a container."""
    password = admin_password(server)
    limits = "".join(f"{name} {value}\n" for name, value in _limits(server))
    return Program(
        source=PROGRAM,
        version=server.version,
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


def container(server: Server) -> ContainerSpec:
    """How it runs in one: without this the image's server would have no password."""
    limits = " ".join(f"--{name} {value}" for name, value in _limits(server))
    script = _IN_CONTAINER.format(mount=MOUNT, port=PORT, limits=limits)
    users = Secret(initial_file(admin_password(server)))
    return ContainerSpec(("sh", "-ec", script), {"ADDONKIT_USERS": users}, MOUNT)


def _limits(server: Server) -> tuple[tuple[str, str], ...]:
    return tuple((name, server.config[name]) for name in ("maxmemory", "maxmemory-policy"))
