"""Uses a cache as an app does: through its variables alone. For the conformance kit."""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from addonkit.testing import ConformanceClient


class Client(ConformanceClient):
    """Values under keys, by the text protocol. Writes through the URL, reads through the parts."""

    not_applicable: ClassVar[Mapping[str, str]] = {
        "an_app_sees_no_statement_of_another": "each app has a server of its own",
        "an_app_sees_no_name_of_another": "each app has a server of its own",
    }

    def write(self, environ: Mapping[str, str], key: str, value: str) -> None:
        """Keep a value."""
        url = urlsplit(environ["MEMCACHE_URL"])
        login = f"{unquote(url.username or '')} {unquote(url.password or '')}"
        answer = _ask(url.hostname or "", url.port or 0, login, f"set {key} 0 0 {len(value.encode())}\r\n{value}\r\n")
        if answer != "STORED\r\n":
            raise PermissionError(answer)

    def read(self, environ: Mapping[str, str], key: str) -> str | None:
        """Return the value, None without one."""
        login = f"{environ['MEMCACHE_USERNAME']} {environ['MEMCACHE_PASSWORD']}"
        answer = _ask(environ["MEMCACHE_HOST"], int(environ["MEMCACHE_PORT"]), login, f"get {key}\r\n")
        if answer == "END\r\n":
            return None
        if not answer.startswith("VALUE"):
            raise PermissionError(answer)
        return answer.split("\r\n")[1]

    @contextmanager
    def session(self, environ: Mapping[str, str]) -> Iterator[Callable[[str], str]]:
        """Yield one connection, logged in once."""
        with _logged_in(environ) as connection:
            yield lambda key: _say(connection, f"get {key}\r\n")

    def facts(self, environ: Mapping[str, str]) -> Mapping[str, str]:
        """Return what the server tells of itself."""
        with _logged_in(environ) as connection:
            lines = (line.split(" ", 2) for line in _say(connection, "stats settings\r\n").splitlines())
            told = {name: value for _, name, value in (each for each in lines if each[0] == "STAT")}
            version = _say(connection, "version\r\n").split()[1]
        return {"version": version, "memory": str(int(told["maxbytes"]) >> 20)}

    def rights(self, environ: Mapping[str, str]) -> Mapping[str, bool]:
        """Commands: the server is the app's own, and addonkit alone ends it."""
        del environ
        return {"flush_all": True, "stats": True, "shutdown": False}

    def attempt(self, environ: Mapping[str, str], action: str) -> None:
        """Send a command."""
        with _logged_in(environ) as connection:
            _say(connection, f"{action}\r\n")


@contextmanager
def _logged_in(environ: Mapping[str, str]) -> Iterator[socket.socket]:
    place = (environ["MEMCACHE_HOST"], int(environ["MEMCACHE_PORT"]))
    with socket.create_connection(place, timeout=10) as connection:
        _say(connection, _login(environ))
        yield connection


def _login(environ: Mapping[str, str]) -> str:
    login = f"{environ['MEMCACHE_USERNAME']} {environ['MEMCACHE_PASSWORD']}"
    return f"set login 0 0 {len(login.encode())}\r\n{login}\r\n"


def _say(connection: socket.socket, request: str) -> str:
    connection.sendall(request.encode())
    answer = connection.recv(100_000).decode()
    if "ERROR" in answer or not answer:
        raise PermissionError(answer)
    return answer


def _ask(host: str, port: int, login: str, request: str) -> str:
    """Return the answer to a short request, after logging in with a `set` of any key; see protocol.txt of memcached."""
    answer = ""
    with socket.create_connection((host, port), timeout=10) as connection:
        for text in (f"set login 0 0 {len(login.encode())}\r\n{login}\r\n", request):
            connection.sendall(text.encode())
            answer = connection.recv(10_000).decode()
            if "ERROR" in answer:
                raise PermissionError(answer)
    return answer
