"""Keeps other sites out of the page: headers, the cookie, and where forms come from."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from addonkit.server.hosts import is_origin
from addonkit.server.page.sessions import LIFETIME
from addonkit.server.problems import Refused

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with `no-referrer` a browser would not say where a form comes from
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""Of every answer of the page."""


def session_id(request: web.Request) -> str:
    """Return the session id that a browser sends; empty without one."""
    return request.cookies.get(_cookie(request, secure=True)) or request.cookies.get(_cookie(request, secure=False), "")


def keep_session(request: web.Request, response: web.StreamResponse, id: str) -> None:
    """Let the browser keep a session id."""
    secure = _is_secure(request)
    name = _cookie(request, secure=secure)
    response.set_cookie(name, id, max_age=LIFETIME, path="/", httponly=True, samesite="Strict", secure=secure)


def drop_session(request: web.Request, response: web.StreamResponse) -> None:
    """Let the browser forget its session id."""
    for secure in (True, False):
        name = _cookie(request, secure=secure)
        if name in request.cookies:
            response.del_cookie(name, path="/", httponly=True, samesite="Strict", secure=secure)


def check_origin(request: web.Request, attempted: str) -> None:
    """Make sure that a form was sent by a page of this service.

    Raises:
        Refused: it was sent by another one, or by none.
    """
    origin = request.headers.get("Origin", "")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if not is_origin(request, origin) or site != "same-origin":
        raise Refused(HTTPStatus.FORBIDDEN, attempted, "it does not come from a form of this page")


def check_form(given: str, wanted: str, attempted: str) -> None:
    """Make sure that a form is one of this session.

    Raises:
        Refused: it is not.
    """
    if not hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode()):
        advice = "load the page again and repeat it"
        raise Refused(HTTPStatus.FORBIDDEN, attempted, "the form is of another session", advice)


def _cookie(request: web.Request, *, secure: bool) -> str:
    """Return the name of the cookie. A browser sends cookies to all ports of a host: each service has its own."""
    return f"{'__Host-' if secure else ''}addonkit-{request.url.port or 0}"


def _is_secure(request: web.Request) -> bool:
    """Return whether the browser speaks TLS, with this service or with a proxy before it; its `Origin` says so."""
    return request.secure or urlsplit(request.headers.get("Origin", "")).scheme == "https"
