"""Reads the body of a request: of one type, and within a time."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

from aiohttp import web

from addonkit.server.connections import waiting_for_client
from addonkit.server.problems import Refused

MOST: Final = 4 * 1024 * 1024
"""Bytes of a body."""

WITHIN: Final = 30.0
"""Seconds in which a body arrives."""


async def read_body(request: web.Request, media: str, attempted: str) -> bytes:
    """Return the body of a request.

    Args:
        request: that has it.
        media: type that it must have, as `application/json`.
        attempted: what is attempted, for messages.

    Raises:
        Refused: it is of another type, or does not arrive in time.
        HTTPRequestEntityTooLarge: it has more bytes than the application takes.
    """
    if request.content_type != media:
        found = f"its body is {request.content_type}"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, attempted, found, f"send {media}")
    try:
        with waiting_for_client():
            async with asyncio.timeout(WITHIN):
                return await request.read()
    except TimeoutError:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, attempted, "its body did not arrive in time") from None
