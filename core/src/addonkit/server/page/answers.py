"""Answers to browsers: a page, or where to go."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from aiohttp import web

from addonkit.server.page.rendering import render


def page(template: str, status: int = HTTPStatus.OK, **context: Any) -> web.Response:
    """Return a page.

    Args:
        template: name of its file.
        status: of HTTP.
        context: what it shows.
    """
    return web.Response(text=render(template, **context), status=status, content_type="text/html")


def see_other(path: str) -> web.Response:
    """Return the answer that leads to a path of this service; characters that no URL has are quoted."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": quote(path, safe="/?=&%#")})
