"""Reads forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from addonkit.errors import InvalidInput
from addonkit.server.bodies import read_body

FIELDS_MOST: Final = 50
"""Fields of a form."""

_TYPE: Final = "application/x-www-form-urlencoded"


async def read_form(request: web.Request, attempted: str) -> Mapping[str, str]:
    """Return the fields of a form.

    Raises:
        Refused: it is no form, or does not arrive in time.
        InvalidInput: it cannot be read, or a field is there twice.
    """
    body = await read_body(request, _TYPE, attempted)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MOST, errors="strict")
    except ValueError:
        raise InvalidInput(attempted, "the form cannot be read") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidInput(attempted, "a field of the form is there twice")
    return fields
