"""The shell script that becomes a server: it sees the machine as it is at each start. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from addonkit_postgresql.extensions import TRUST

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


def start_script(*, trusting: bool, preloaded: Sequence[str] = ()) -> str:
    """Return the script; with `trusting` it lets the owner of a database create more extensions.

    PATH begins with the directory of the server's programs. It starts few processes: a server waits for it.
    """
    more = "".join(f",{each}" for each in preloaded if each != "pg_stat_statements")
    return f"{_MEMORY}{TRUST.replace(_LIBRARIES, _LIBRARIES + more)}" if trusting else f'{_MEMORY}exec postgres "$@"\n'
