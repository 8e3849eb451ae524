"""The style sheet, the script and the icon of the page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from aiohttp import web

from addonkit.server.documents import matches, tag_of
from addonkit.server.page.security import HEADERS

_TYPES: Final = {"style.css": "text/css", "script.js": "text/javascript", "icon.svg": "image/svg+xml"}


def add_files(router: web.UrlDispatcher) -> None:
    """Add their paths, below `/page/`."""
    for name in _TYPES:
        router.add_get(f"/page/{name}", _answer(name))


def _answer(name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        body = _content(name)
        headers = {**HEADERS, "ETag": tag_of(body), "Cache-Control": "no-cache"}
        if matches(request.headers.get("If-None-Match", ""), headers["ETag"]):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return web.Response(body=body, content_type=_TYPES[name], charset="utf-8", headers=headers)

    return answer


@cache
def _content(name: str) -> bytes:
    return (files("addonkit.server.page") / "static" / name).read_bytes()
