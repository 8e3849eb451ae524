"""Loopback ports: chosen and held without races, kept for the life of a pool."""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from addonkit.errors import InvalidInput, NoFreePort
from addonkit.util.file_locks import lock_file, open_lock_file, try_lock_file
from addonkit.util.files import replace_private
from addonkit.util.shuffling import shuffled

HOST: Final = "127.0.0.1"

_log = logging.getLogger(__name__)

_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))

_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")

DEFAULT_RANGE: Final = range(20000, 32000)
"""Below what is usually the kernel's ephemeral range (32768 and up)."""


def port_range(environ: Mapping[str, str]) -> range:
    """Return the range of `ADDONKIT_PORTS`, as `20000-20100` (both included); default is 20000-31999.

    Raises:
        InvalidInput: when it does not parse.
    """
    text = environ.get("ADDONKIT_PORTS", "")
    if not text:
        return DEFAULT_RANGE
    first, dash, last = text.partition("-")
    if dash and first.isdigit() and last.isdigit() and 1024 <= int(first) <= int(last) <= 65535:  # noqa: PLR2004
        return range(int(first), int(last) + 1)
    raise InvalidInput(
        f"cannot use {text!r} from ADDONKIT_PORTS", "it is not a range of ports", "write it like 20000-20100"
    )


_SQUATTED: Final = (
    "another process holds port %d of server %s without listening; when the server ends, it can receive the"
    " passwords of apps; end that process"
)


class Ports:
    """Ports of one home.

    A file per port says which pool has it, so that a stopped pool keeps its port. Between processes of other
    homes the kernel decides: a port is held by a socket that is bound but does not listen. A server that sets
    SO_REUSEADDR, as servers do, can bind it too; another chooser, who does not, cannot.
    """

    def __init__(self, directory: Path, allowed: range) -> None:
        self._directory = directory
        self._allowed = allowed
        self._held: dict[str, list[socket.socket]] = {}
        self._marks: dict[str, list[int]] = {}

    def take(self, pool: str, names: tuple[str, ...]) -> dict[str, int]:
        """Return ports for a pool by name; those it has already, else new ones, held until `release`. Blocking.

        Raises:
            NoFreePort: when the range is exhausted.
        """
        with self._lock():
            mine = self._of(pool)
            for name in names:
                if name in mine:
                    continue
                port, held = self._reserve_free(pool)
                replace_private(self._reservation(port), f"{pool}\n{name}\n".encode())
                self._held.setdefault(pool, []).append(held)
                self._mark(pool, port)
                mine[name] = port
        return {name: mine[name] for name in names}

    def release(self, pool: str) -> None:
        """Stop holding a pool's ports: its server has them now, or never will."""
        for held in self._held.pop(pool, []):
            held.close()
        for mark in self._marks.pop(pool, []):
            os.close(mark)

    def reacquire(self, pool: str, ports: Iterable[int]) -> int | None:
        """Hold a pool's own ports again before its server starts; returns one that a stranger listens on, or None.

        Ports of which connections are still closing are taken as well, as the server itself will do. Logs a warning
        where a stranger holds one without listening.
        """
        mine = self._held.setdefault(pool, [])
        missing = set(ports) - {held.getsockname()[1] for held in mine}
        for port in sorted(missing):
            held = reserve(port)
            if held is None:
                squatted = self._is_squatted(port)
                held = reserve(port, after_use=True)
                if held is None:
                    return port
                if squatted:
                    _log.warning(_SQUATTED, port, pool)
            mine.append(held)
            self._mark(pool, port)
        return None

    def free(self, pool: str) -> None:
        """Give a pool's ports back. Blocking."""
        self.release(pool)
        with self._lock():
            for port in self._of(pool).values():
                self._reservation(port).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of all that is held."""
        for pool in list(self._held):
            self.release(pool)

    def _mark(self, pool: str, port: int) -> None:
        """Let other commands on this home see that it is we who hold the port."""
        with suppress(OSError):
            mark = os.open(self._reservation(port), os.O_RDONLY | os.O_CLOEXEC)
            self._marks.setdefault(pool, []).append(mark)
            try_lock_file(mark, shared=True)

    def _is_squatted(self, port: int) -> bool:
        """Return whether a stranger has bound a port that we cannot bind: no closing connection, no command of ours."""
        return not _has_connections(port) and not self.is_marked(port)

    def is_marked(self, port: int) -> bool:
        """Return whether a command on this home holds the port for a server."""
        try:
            mark = os.open(self._reservation(port), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return not try_lock_file(mark)
        except OSError:
            return True
        finally:
            os.close(mark)

    def _reserve_free(self, pool: str) -> tuple[int, socket.socket]:
        for port in shuffled(outside(self._allowed, _ephemeral())):
            held = None if self._reservation(port).exists() else reserve(port)
            if held is not None:
                return port, held
        span = f"{self._allowed.start}-{self._allowed.stop - 1}"
        raise NoFreePort(
            f"cannot find a port for {pool}", f"all of {span} are taken", "free some, or set ADDONKIT_PORTS"
        )

    def _of(self, pool: str) -> dict[str, int]:
        mine = {}
        for path in self._directory.iterdir():
            if path.name.isdigit():
                owner, _, name = path.read_text().strip().partition("\n")
                if owner == pool:
                    mine[name] = int(path.name)
        return mine

    def _reservation(self, port: int) -> Path:
        return self._directory / str(port)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = open_lock_file(self._directory / "lock")
        try:
            lock_file(descriptor)
            yield
        finally:
            os.close(descriptor)


def outside(allowed: range, ephemeral: range) -> list[int]:
    """Return ports that no client's socket is ever given; all that are allowed where the kernel leaves none of them."""
    return [port for port in allowed if port not in ephemeral] or list(allowed)


def _ephemeral() -> range:
    """Return what the kernel gives to clients' sockets, see ip(7)."""
    try:
        first, last = map(int, _EPHEMERAL.read_text().split())
    except (OSError, ValueError):
        return range(0)
    return range(first, last + 1)


def _has_connections(port: int) -> bool:
    """Return whether the kernel knows a listener or a connection at this port, one that is closing included."""
    wanted = f":{port:04X}"
    for table in _TABLES:
        with suppress(OSError):
            if any(line.split()[1].endswith(wanted) for line in table.read_text().splitlines()[1:]):
                return True
    return False


def reserve(port: int, *, after_use: bool = False) -> socket.socket | None:
    """Return a socket bound to a free port, not listening; None when the port is bound or held by any process.

    With `after_use` the port may have closing connections, or be held by others who do not listen.
    """
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if after_use:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Bound first without SO_REUSEADDR, which anything bound refuses; set afterwards, it lets a
        # server that sets it too bind beside us, as long as we do not listen.
        held.bind((HOST, port))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError as error:
        with suppress(OSError):
            held.close()
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            return None
        raise
    return held
