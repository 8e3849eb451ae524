"""The sockets that the API answers on: a Unix socket in the home, TCP when asked, and those that systemd gives."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs

from addonkit.errors import InvalidInput, StoreUnavailable
from addonkit.util.file_locks import open_lock_file, try_lock_file
from addonkit.util.unix_sockets import trusted_socket

SOCKET: Final = "api.sock"
"""Name of the Unix socket in the home."""

_LOCK: Final = "api.lock"
_FIRST: Final = 3
"""The first descriptor that systemd passes, see sd_listen_fds(3)."""

_BACKLOG: Final = 128


@attrs.frozen
class Listening:
    """The addresses to answer on over TCP.

    Attributes:
        host: address or name to listen on; empty for none.
        port: number; 0 lets the system choose.
        certificate: path of a TLS certificate with its chain, in PEM; `key` of its key.
        names: of this service, that requests may be for.
    """

    host: str = ""
    port: int = 0
    certificate: str = ""
    key: str = ""
    names: tuple[str, ...] = ()

    @classmethod
    def parse(cls, address: str, certificate: str, key: str, names: tuple[str, ...]) -> Listening:
        """Read what the command line says.

        Raises:
            InvalidInput: it is no address, TLS is half given, or it would send tokens in clear over a network.
        """
        attempted = f"cannot listen on {address or 'nothing'}"
        if bool(certificate) != bool(key):
            raise InvalidInput(attempted, "TLS needs a certificate and its key", "give --tls-cert and --tls-key")
        if not address:
            return cls(certificate=certificate, key=key, names=names)
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        if not host or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 - the last port
            raise InvalidInput(attempted, "it is not HOST:PORT", "use one like 127.0.0.1:8700")
        found = cls(host, int(port), certificate, key, (*names, host))
        if not certificate and not _is_loopback(host):
            advice = "give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy that has TLS"
            raise InvalidInput(attempted, "tokens and secrets would cross a network in clear", advice)
        return found

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context; None without a certificate.

        Raises:
            InvalidInput: the certificate or its key cannot be used.
        """
        if not self.certificate:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.load(context)
        return context

    def load(self, context: ssl.SSLContext) -> None:
        """Read the certificate and its key.

        Raises:
            InvalidInput: they cannot be used.
        """
        try:
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ValueError) as error:
            raise InvalidInput(f"cannot use the certificate {self.certificate}", str(error)) from None

    def bind(self) -> socket.socket | None:
        """Return a listening socket; None without an address.

        Raises:
            InvalidInput: the address cannot be used.
        """
        if not self.host:
            return None
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            return socket.create_server((self.host, self.port), family=family, backlog=_BACKLOG)
        except OSError as error:
            raise InvalidInput(f"cannot listen on {self.host}:{self.port}", f"{error.strerror or error}") from None


@contextmanager
def home_socket(home: Path) -> Iterator[socket.socket | None]:
    """Yield the listening Unix socket of a home; None when another process answers there.

    Raises:
        StoreUnavailable: it cannot be made.
    """
    lock = open_lock_file(home / _LOCK)
    try:
        if not try_lock_file(lock):
            yield None
            return
        with _bound(home / SOCKET) as found:
            yield found
    finally:
        os.close(lock)


@contextmanager
def _bound(path: Path) -> Iterator[socket.socket]:
    """Yield a path is replaced at once, so that a client finds the old one or the new one."""
    fresh = path.with_suffix(".new")
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        try:
            fresh.unlink(missing_ok=True)
            with trusted_socket(str(fresh)) as short:
                former = os.umask(0o177)
                try:
                    listening.bind(short)
                finally:
                    os.umask(former)
            listening.listen(_BACKLOG)
            listening.setblocking(False)  # noqa: FBT003 - of the standard library
            fresh.rename(path)
        except OSError as error:
            raise StoreUnavailable(f"cannot listen on {path}", f"{error.strerror or error}") from error
        try:
            yield listening
        finally:
            with suppress(OSError):
                path.unlink()
    finally:
        listening.close()


def passed_sockets() -> tuple[socket.socket, ...]:
    """Return the sockets that systemd passes to this process (socket activation); none without it."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return ()
    count = os.environ.get("LISTEN_FDS", "")
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(name, None)
    found = []
    for descriptor in range(_FIRST, _FIRST + (int(count) if count.isdecimal() else 0)):
        _check_socket(descriptor)
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - of the standard library
        passed = socket.socket(fileno=descriptor)
        passed.setblocking(False)  # noqa: FBT003 - of the standard library
        found.append(passed)
    return tuple(found)


def _check_socket(descriptor: int) -> None:
    try:
        passed = stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        passed = False
    if not passed:
        found = f"LISTEN_FDS names the descriptor {descriptor}, which is no socket"
        raise InvalidInput("cannot answer on passed sockets", found, "unset LISTEN_FDS, or pass a socket")


def check_passed(passed: socket.socket, listening: Listening) -> None:
    """Make sure that a socket of systemd sends no token in clear over a network.

    Raises:
        InvalidInput: it would.
    """
    if passed.family == socket.AF_UNIX or listening.certificate:
        return
    host = str(passed.getsockname()[0])
    if not _is_loopback(host):
        found = "tokens and secrets would cross a network in clear"
        raise InvalidInput(f"cannot answer on {host}", found, "give --tls-cert and --tls-key")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
