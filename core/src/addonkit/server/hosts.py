"""Keeps pages that a browser shows from asking the API in the name of the user who looks at them."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import SplitResult, urlsplit

from aiohttp import web

from addonkit.server.access import peer_user
from addonkit.server.problems import Refused


def check_host(request: web.Request, names: Collection[str]) -> None:
    """Make sure that a request means this service: by an address, `localhost`, or one of its names.

    A page whose name was made to point here (DNS rebinding) sends its own name. Requests through a Unix socket come
    from no page.

    Raises:
        Refused: it means another host, or comes from a page of another one.
    """
    if peer_user(request) is not None:
        return
    host = _split(f"//{request.headers.get('Host', '')}").hostname or ""
    attempted = f"cannot {request.method} {request.path}"
    if host != "localhost" and host not in names and not _is_address(host):
        found = f"the request is for the host {host[:100]!r}"
        raise Refused(HTTPStatus.MISDIRECTED_REQUEST, attempted, found, "name the host with `addonkit serve --host`")
    origin = request.headers.get("Origin")
    if origin is not None and _split(origin).netloc != request.headers.get("Host"):
        raise Refused(HTTPStatus.FORBIDDEN, attempted, "it comes from a page of another host")


def _split(url: str) -> SplitResult:
    """The parts of a URL; none of what is no URL."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
