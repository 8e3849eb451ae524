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

    A page whose name was made to point here (DNS rebinding) sends its own name. Through a Unix socket a request may be
    for any host: a page reaches it only where its user leads a port there.

    Raises:
        Refused: it means another host, or comes from a page of another one.
    """
    attempted = f"cannot {request.method} {request.path}"
    origin = request.headers.get("Origin")
    if origin is not None and not is_origin(request, origin):
        raise Refused(HTTPStatus.FORBIDDEN, attempted, "it comes from a page of another host")
    if peer_user(request) is not None:
        return
    host = _split(f"//{request.headers.get('Host', '')}").hostname or ""
    if host != "localhost" and host not in names and not _is_address(host):
        found = f"the request is for the host {host[:100]!r}"
        raise Refused(HTTPStatus.MISDIRECTED_REQUEST, attempted, found, "name the host with `addonkit serve --host`")


def is_origin(request: web.Request, origin: str) -> bool:
    """Return whether pages of an origin come from the host that a request is for."""
    return _split(origin).netloc == request.headers.get("Host")


def _split(url: str) -> SplitResult:
    """Return the parts of a URL; none of what is no URL."""
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
