"""Describes how a PostgreSQL server runs. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from addonkit import ContainerSpec, DiskTemplate, File, Probe, Program, Secret, Server, admin_password
from addonkit_postgresql.definition import PROGRAM
from addonkit_postgresql.extensions import FIRST_VERSION, TRUST
from addonkit_postgresql.hogs import FIRST_WITH_QUEUE_SETTING, QUEUE_SETTING
from addonkit_postgresql.listening import listening
from addonkit_postgresql.naming import ADMINISTRATOR, CLOSE_DOORS, SPARE
from addonkit_postgresql.options import PRELOADED, extensions_of
from addonkit_postgresql.scram import UNUSABLE

_MOUNT: Final = "/var/lib/addonkit"
"""Not below /var/lib/postgresql: images declare volumes there, other ones in version 18 than before."""

_SETTINGS: Final = (
    "log_destination=stderr",
    "logging_collector=off",
    "password_encryption=scram-sha-256",
    "authentication_timeout=5s",  # connections that never log in take places from all
)
"""Nothing here weakens durability: fsync, synchronous_commit and full_page_writes keep their safe defaults."""

_LOOPBACK: Final = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories={sockets}",  # for the administrator: no other user can listen there
)

_START: Final = "{run}/start.sh"

_RESERVED: Final = 3
"""Connections that apps cannot take, PostgreSQL's default for superuser_reserved_connections."""

_FIRST_WITH_SET: Final = 16

_FILL: Final = f"""\
postgres --single -F -D "$1" postgres >/dev/null <<'END'
CREATE DATABASE {SPARE} TEMPLATE template0 ALLOW_CONNECTIONS false
{"".join(f"{statement}{chr(10)}" for statement in CLOSE_DOORS)}END
"""
"""What each server would do when its first app comes."""

_RESET: Final = """\
rm -f "$1/postmaster.pid"
postgres --single -D "$1" -c password_encryption=scram-sha-256 postgres <"$2" >/dev/null
"""
"""In this mode a server takes statements from its standard input, and asks for no password."""

_LIBRARIES: Final = "shared_preload_libraries=pg_stat_statements"

_ROOM: Final = 256 * 1024
"""Kilobytes of /dev/shm from which on parallel queries find room there. Containers have 64 MB, some have nothing."""

_MEMORY: Final = f"""\
room=$(df -Pk /dev/shm 2>/dev/null | {{ read -r _; read -r _ _ _ room _; echo "$room"; }}) || room=0
memory=posix
test "${{room:-0}}" -ge {_ROOM} || memory=sysv
set -- "$@" -c "dynamic_shared_memory_type=$memory"
"""
"""System V memory has limits of its own, which a small /dev/shm does not change."""

_FIRST_WITH_BUILTIN_LOCALES: Final = 17

_STARTUP: Final = struct.pack("!i", 3 << 16) + b"user\0" + ADMINISTRATOR.encode() + b"\0\0"
_STARTUP_MESSAGE: Final = (struct.pack("!i", len(_STARTUP) + 4) + _STARTUP).decode("latin-1")
"""A StartupMessage (PostgreSQL manual, section 54.7), as Latin-1 text.

A server that is ready answers with an authentication request, `R`; one that is starting with an error.
"""


def program(server: Server) -> Program:
    """Return how a server runs without a container."""
    reached = listening(server)
    settings = (*_LOOPBACK, *_sizes(server), *_SETTINGS, *reached.settings)
    chosen = extensions_of(server.config)
    preloaded = [each for each in PRELOADED if each in chosen]
    settings += (f"shared_preload_libraries={','.join(preloaded)}",) if preloaded else ()
    trusting = not server.shared and _major(server.version) >= FIRST_VERSION
    return Program(
        source=PROGRAM.with_tls if server.certificate else PROGRAM,
        version=server.version,
        argv=("/bin/sh", "-eu", _START, "-D", "{disk}", "-p", "{port}", *_options(settings)),
        probe=Probe("postgresql", _STARTUP_MESSAGE, ("R",)),
        prepare=(_initdb(server.version, "{run}/password"),),
        template=_template(server),
        prepare_files=(File("{run}/password", Secret(admin_password(server).reveal() + "\n")),),
        files=(File(_START, _start_script(trusting=trusting, preloaded=preloaded)), *reached.files),
        socket=".s.PGSQL.{port}",
        stop_signal="SIGINT",
        stop_timeout=60.0,
        pid_file="postmaster.pid",
        named_user="prepare",  # initdb asks for the name of its user
    )


def reset_program(server: Server) -> Program:
    """Return how one runs whose superuser gets the recorded password before its start."""
    # The server itself makes a verifier of it.
    statement = f"ALTER ROLE {ADMINISTRATOR} LOGIN PASSWORD '{admin_password(server).reveal()}'\n"
    return attrs.evolve(
        program(server),
        before_start=(("/bin/sh", "-euc", _RESET, "reset", "{disk}", "{run}/reset.sql"),),
        prepare_files=(File("{run}/reset.sql", Secret(statement)),),
    )


def _initdb(version: str, password_file: str) -> tuple[str, ...]:
    fixed = ("initdb", "-D", "{disk}", f"--username={ADMINISTRATOR}", "--auth=scram-sha-256")
    # /dev/shm may be too small even for initdb; each start of the server chooses anew.
    memory = ("--set=dynamic_shared_memory_type=sysv",) if _major(version) >= _FIRST_WITH_SET else ()
    return (*fixed, f"--pwfile={password_file}", *memory, *_cluster(version))


def _template(server: Server) -> DiskTemplate:
    """Return a cluster whose superuser has no password that fits, with as little WAL as there can be."""
    return DiskTemplate(
        prepare=(
            (*_initdb(server.version, "{run}/password"), "--no-sync"),
            ("/bin/sh", "-euc", _FILL, "fill", "{disk}"),
            ("pg_resetwal", "-D", "{disk}"),
        ),
        files=(File("{run}/password", f"{UNUSABLE}\n"),),
        adapt="addonkit_postgresql.cluster:adapt",
        values={"password": admin_password(server)},
    )


def container(server: Server) -> ContainerSpec:
    """Return how it runs in one."""
    return ContainerSpec(
        command=("postgres", *_options((*_sizes(server), *_SETTINGS))),
        env={
            "POSTGRES_PASSWORD": admin_password(server),
            "POSTGRES_INITDB_ARGS": " ".join(_cluster(server.version)),
            "PGDATA": f"{_MOUNT}/pgdata",
        },
        mount=_MOUNT,
    )


def _sizes(server: Server) -> tuple[str, ...]:
    """Return settings that follow from the variant, and the name that process lists show.

    A transaction that idles keeps its locks, and the server from clearing up: on a shared server others wait for it.
    """
    config = server.config
    return (
        f"cluster_name={server.id}",
        f"max_connections={int(config.get('max_connections', config.get('connections', '100'))) + _RESERVED}",
        f"shared_buffers={config.get('shared_buffers', '32MB')}",
        f"max_wal_size={config.get('max_wal_size', '256MB')}",
        *(("idle_in_transaction_session_timeout=1h",) if server.shared else ()),
        *((QUEUE_SETTING,) if _major(server.version) >= FIRST_WITH_QUEUE_SETTING else ()),
    )


def _cluster(version: str) -> tuple[str, ...]:
    """Return arguments of initdb about the data itself.

    C.UTF-8 knows the letters of all languages, and sorts by code point: its order never changes with a system's
    libraries, which is what breaks indexes. Since version 17 the server brings its own.
    """
    builtin = _major(version) >= _FIRST_WITH_BUILTIN_LOCALES
    provider = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if builtin else ()
    return ("--encoding=UTF8", "--locale=C.UTF-8", *provider, "--data-checksums")


def _major(version: str) -> int:
    major = version.partition(".")[0]
    return int(major) if major.isdecimal() else 0


def _options(settings: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for each in settings for word in ("-c", each))


def _start_script(*, trusting: bool, preloaded: Sequence[str]) -> str:
    """Return the shell script that becomes a server, which sees the machine as it is at each start.

    With `trusting` it lets the owner of a database create more extensions. PATH begins with the directory of the
    server's programs. The script starts few processes: a server waits for it.
    """
    more = "".join(f",{each}" for each in preloaded if each != "pg_stat_statements")
    return f"{_MEMORY}{TRUST.replace(_LIBRARIES, _LIBRARIES + more)}" if trusting else f'{_MEMORY}exec postgres "$@"\n'
