"""Requests that are sent again with the same key: they are answered with the operation that the first one began."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from addonkit.errors import InvalidInput
from addonkit.server.documents import dump
from addonkit.server.problems import Refused

if TYPE_CHECKING:
    from addonkit.models.operation import Operation

HEADER: Final = "Idempotency-Key"

LONGEST: Final = 255
"""Characters of a key."""

_KEY: Final = re.compile(f"[!-~]{{1,{LONGEST}}}")


def key_of(request: web.Request, attempted: str) -> str:
    """Return the key of a request; empty without one.

    Raises:
        InvalidInput: it is none.
    """
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidInput(attempted, f"{HEADER} is not 1 to {LONGEST} visible characters of ASCII")
    return key or ""


def digest_of(request: web.Request, given: Mapping[str, Any]) -> str:
    """Return a digest of what a request asks for."""
    return hashlib.sha256(dump([request.method, request.path, {**given}])).hexdigest()


def operation_id(principal: str, key: str) -> str:
    """Return the id of the operation that a key stands for; a key counts for one principal."""
    return hashlib.sha256(dump([principal, key])).hexdigest()[:24]


def check_same(operation: Operation, digest: str, attempted: str) -> None:
    """Make sure that a repeated request is the one that began an operation.

    Raises:
        Refused: its key was used for another request.
    """
    if operation.digest != digest:
        found = f"this {HEADER} was used for another request"
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, attempted, found, "choose another key for another request")
