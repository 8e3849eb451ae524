"""Checks that variables of a standard meaning say the same, and lead somewhere."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from addonkit.testing.conformance.assertions import fail, require
from addonkit.testing.conformance.async_tests import synchronous
from addonkit.testing.conformance.rig import Rig

_ADDRESS: Final = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9a-f:]+\]):(?P<port>[1-9][0-9]{0,4})")
"""A value that is a host and a port, whatever its variable is called."""

_PARTS: Final = {
    "HOST": re.compile(r"(?:.*_|PG|)(?:HOST|HOSTNAME)"),
    "PORT": re.compile(r"(?:.*_|PG|)PORT"),
    "USER": re.compile(r"(?:.*_|PG|)(?:USER|USERNAME)"),
    "PASSWORD": re.compile(r"(?:.*_|PG|)(?:PASSWORD|PASS)"),
    "DATABASE": re.compile(r"(?:.*_|PG|)(?:DATABASE|DB|DBNAME)"),
}
"""Names of variables whose meaning is standard."""


class VariableChecks:
    """Variables are used by the kit itself, also those that the author's client does not read."""

    @synchronous
    async def test_variables_say_the_same(self, rig: Rig, variant: str) -> None:
        """Host, port, user, password and database of their own are those of the URL, and lead somewhere."""
        async with rig.kit() as kit:
            environ = await rig.create(kit, variant, "shop")
            for part, name in _parts_of(environ):
                _check_part(part, name, environ)
            _check_addresses(environ)
            await rig.destroy(kit, "shop")
            await rig.expect_nothing(kit, "the instance was destroyed")


def _parts_of(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the variables of a standard meaning, of those that alone have it."""
    for part, pattern in _PARTS.items():
        names = [name for name in environ if pattern.fullmatch(name)]
        if len(names) == 1:
            yield part, names[0]


def _check_part(part: str, name: str, environ: Mapping[str, str]) -> None:
    urls = [url for value in environ.values() if (url := _url(value)) is not None]
    said = dict.fromkeys(_said(part, url) for url in urls)
    others = [each for each in said if each]
    value = environ[name]
    require(
        not others or value in others,
        f"{name} is not what the URL has as its {part.lower()}",
        "make every variable from the same ConnectionInfo",
    )
    if part == "PORT" and not others:
        hosts = [environ[each] for part, each in _parts_of(environ) if part == "HOST"]
        _check_listens(name, hosts[0] if hosts else "127.0.0.1", value)


def _check_addresses(environ: Mapping[str, str]) -> None:
    """Check that each host with a port is one of a URL, or answers."""
    known = {f"{url.hostname}:{url.port}" for value in environ.values() if (url := _url(value)) is not None}
    for name, value in environ.items():
        found = _ADDRESS.fullmatch(value)
        if found and value not in known:
            _check_listens(name, found["host"].strip("[]"), found["port"])


def _check_listens(name: str, host: str, port: str) -> None:
    try:
        socket.create_connection((host, int(port)), 5).close()
    except (OSError, ValueError) as error:
        fail(f"nothing answers at the port of {name}: {error}", "give host and port of the ConnectionInfo")


def _said(part: str, url: SplitResult) -> str:
    """Return what a URL says of a part; empty when it says nothing. Its path is a database where it has a login."""
    path = url.path.strip("/")
    says = {
        "HOST": url.hostname or "",
        "PORT": str(url.port or ""),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "DATABASE": unquote(path) if url.password and "/" not in path else "",
    }
    return says[part]


def _url(value: str) -> SplitResult | None:
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        return None
    del port
    return url if "://" in value and url.hostname else None
