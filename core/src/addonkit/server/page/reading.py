"""Reads forms."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from addonkit.errors import InvalidInput
from addonkit.server.problems import Refused

FIELDS_MOST: Final = 50
"""Fields of a form."""

WITHIN: Final = 30.0
"""Seconds in which a form arrives."""

_TYPE: Final = "application/x-www-form-urlencoded"


async def read_form(request: web.Request, attempted: str) -> Mapping[str, str]:
    """Return the fields of a form.

    Raises:
        Refused: it is no form, or does not arrive in time.
        InvalidInput: it cannot be read, or a field is there twice.
    """
    if request.content_type != _TYPE:
        found = f"its body is {request.content_type}"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, attempted, found, f"send {_TYPE}")
    try:
        async with asyncio.timeout(WITHIN):
            body = await request.read()
    except TimeoutError:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, attempted, "the form did not arrive in time") from None
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MOST, errors="strict")
    except ValueError:
        raise InvalidInput(attempted, "the form cannot be read") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidInput(attempted, "a field of the form is there twice")
    return fields
