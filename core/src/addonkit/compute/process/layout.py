"""Knows where the process backend keeps what belongs to a pool, and as which user the pool's server runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from addonkit.compute.process.disks import Disks
from addonkit.compute.process.placeholders import Placeholders
from addonkit.compute.process.record import RunRecord, read_record
from addonkit.compute.process.server_users import ServerUsers
from addonkit.compute.process.user import ServiceUser
from addonkit.errors import ComputeError, InvalidName
from addonkit.models.compute import Pool, Program
from addonkit.util.home_identity import home_id

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Layout:
    """Paths below a home; backend.py draws the tree.

    Attributes:
        home: directory that holds everything.
        disks: of the servers.
        users: as whom servers run.
    """

    def __init__(self, home: Path, disks: Disks, users: ServerUsers) -> None:
        self.home = home
        self.disks = disks
        self.users = users

    def pool(self, name: str) -> Path:
        """Return the directory of a pool."""
        return self.home / "pools" / check_name(name)

    def lock(self, name: str) -> Path:
        """Return the file that is locked while a pool is started, stopped or removed."""
        return self.home / "locks" / check_name(name)

    def record_path(self, name: str) -> Path:
        """Return the file that says which process a pool's server is."""
        return self.pool(name) / "record"

    def record(self, name: str) -> RunRecord | None:
        """Read which process a pool's server is; None when it was never started."""
        return read_record(self.record_path(name), home_id(self.home))

    def server_locks(self, disks: Sequence[str], pool: str) -> tuple[Path, ...]:
        """Return the files that a server holds locked for life."""
        return tuple(map(self.disks.lock, disks)) or (self.pool(pool) / "alive",)

    def socket(self, pool: Pool) -> str:
        """Return the path of a server's Unix socket; empty when it has none."""
        name = program_of(pool).socket
        sockets = self.pool(pool.name) / "sockets"
        return str(sockets / Placeholders(sockets, sockets, sockets, pool.ports).expand(name)) if name else ""

    def user_of(self, pool: Pool) -> ServiceUser | None:
        """Return as whom a pool's server runs; None for the user of this process."""
        return self.user_on([volume.disk for volume in pool.spec.volumes], pool.name)

    def user_on(self, disks: Sequence[str], pool: str) -> ServiceUser | None:
        """Return who runs the server of a pool: whose the data on its disk are, or its private directory."""
        if disks:
            return self.users.find(disks[0], self.disks.data(disks[0]))
        return self.users.find(f"{pool}/run", self.pool(pool) / "run")


def program_of(pool: Pool) -> Program:
    """Return how a pool's server runs as a process.

    Raises:
        ComputeError: its addon does not say how.
    """
    if pool.spec.program is None:
        raise ComputeError(
            f"cannot run {pool.name} as a process", "its addon does not say how", "use a backend that runs containers"
        )
    return pool.spec.program


def check_name(name: str) -> str:
    """Return the name itself when it can be the name of a pool or disk, and so of a directory.

    Raises:
        InvalidName: otherwise; nothing leads out of the home.
    """
    if _NAME.fullmatch(name):
        return name
    raise InvalidName(
        f"cannot use {name!r} as the name of a pool or disk",
        "a name has up to 128 letters, digits, '.', '_' and '-', and starts with a letter or digit",
    )
