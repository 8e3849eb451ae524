"""Speaks the Open Service Broker API: headers, bodies, refusals."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import attrs
from aiohttp import web

from addonkit.errors import AddonkitError, AlreadyExists, Busy, InvalidInput, NotFound
from addonkit.models.token import Role
from addonkit.server.access import Principal
from addonkit.server.bodies import read_body
from addonkit.server.problems import Refused, status_of

if TYPE_CHECKING:
    from addonkit.kit.tokens import Tokens

ID_MOST: Final = 300
"""Characters of an id that a platform gives."""

_IDENTITY_MOST: Final = 500
"""Characters of an identity that the audit log keeps."""

_VERSION: Final = re.compile(r"2\.(\d{1,4})")


class BrokerError(Exception):
    """A refusal as the specification has it: a status, an error word where there is one, a sentence."""

    def __init__(self, status: HTTPStatus, description: str, error: str = "") -> None:
        self.status = status
        self.description = description
        self.error = error
        super().__init__(description)

    def answer(self) -> web.Response:
        """Return the answer."""
        body = {"error": self.error} if self.error else {}
        return web.json_response({**body, "description": self.description}, status=self.status)


def bad(description: str) -> BrokerError:
    """Return the refusal of a request that can never be right."""
    return BrokerError(HTTPStatus.BAD_REQUEST, description)


def gone() -> BrokerError:
    """Return the refusal of a removal when there is nothing to remove."""
    return BrokerError(HTTPStatus.GONE, "there is no such thing any more")


def unknown_instance() -> BrokerError:
    """Return the refusal of a request about a service instance that is not there."""
    return BrokerError(HTTPStatus.NOT_FOUND, "there is no such service instance")


def unknown_binding() -> BrokerError:
    """Return the refusal of a request about a service binding that is not there."""
    return BrokerError(HTTPStatus.NOT_FOUND, "there is no such service binding")


def accepted(operation: str) -> web.Response:
    """Return the answer to a request that an operation carries out."""
    return web.json_response({"operation": operation}, status=HTTPStatus.ACCEPTED)


def needs_async() -> BrokerError:
    """Return the refusal of a request that takes longer than an answer may."""
    found = "this takes long: send accepts_incomplete=true"
    return BrokerError(HTTPStatus.UNPROCESSABLE_ENTITY, found, "AsyncRequired")


def concurrent() -> BrokerError:
    """Return the refusal of a request while another one is carried out."""
    return BrokerError(HTTPStatus.UNPROCESSABLE_ENTITY, "another operation is under way", "ConcurrencyError")


def unfit(description: str) -> BrokerError:
    """Return the refusal of a request that is right, and that cannot be carried out as things are."""
    return BrokerError(HTTPStatus.UNPROCESSABLE_ENTITY, description)


def of_error(error: AddonkitError) -> BrokerError:
    """Return the refusal that an error stands for."""
    if isinstance(error, Refused):
        return BrokerError(error.status, str(error))
    if isinstance(error, InvalidInput | NotFound):
        return bad(str(error))
    if isinstance(error, Busy):
        return BrokerError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), "ConcurrencyError")
    status = status_of(error)
    if status == HTTPStatus.CONFLICT and not isinstance(error, AlreadyExists):  # 409 means other attributes
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return BrokerError(status, str(error))


async def authenticate(request: web.Request, tokens: Tokens) -> Principal:
    """Return who asks: basic authentication, the id or name of a token as user and its text as password.

    Raises:
        BrokerError: the token is not known, or is not that of an operator for all apps.
    """
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    user, password = _basic(text) if scheme.lower() == "basic" else ("", text.strip())
    token = await tokens.recognize(password)
    if token is None or (scheme.lower() == "basic" and user not in {token.id, token.name}):
        raise BrokerError(HTTPStatus.UNAUTHORIZED, "the user or the password is not known")
    if not token.role.allows(Role.OPERATOR) or token.apps:
        raise BrokerError(HTTPStatus.UNAUTHORIZED, "a broker needs a token of an operator that reaches all apps")
    return Principal.of_token(token)


def _basic(text: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return user, password


@attrs.frozen
class Request:
    """A request of a platform.

    Attributes:
        query: what is behind `?`.
        body: its fields; those that are not known are ignored.
        minor: of the version that the platform speaks: 17 for 2.17.
        on_behalf_of: whom the platform asks for, in words for the audit log; empty when it does not say.
    """

    query: Mapping[str, str]
    body: Mapping[str, Any]
    minor: int
    on_behalf_of: str = ""

    @property
    def takes_async(self) -> bool:
        """Return whether the platform waits for an operation."""
        return self.query.get("accepts_incomplete") == "true"

    def text(self, name: str, *, needed: bool = True) -> str:
        """Return a field of the body that is text."""
        return _text(self.body, name, needed=needed)

    def asked(self, name: str) -> str:
        """Return a parameter behind `?` that is needed."""
        return _text(self.query, name, needed=True)

    def tree(self, name: str) -> dict[str, Any]:
        """Return a field of the body that is an object; empty when it is missing."""
        found = self.body.get(name)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise bad(f"{name} is no object")
        return found


async def read(request: web.Request) -> Request:
    """Read a request.

    Raises:
        BrokerError: of its version, its headers or its body.
    """
    version = _VERSION.fullmatch(request.headers.get("X-Broker-API-Version", ""))
    if version is None:
        found = "this broker speaks 2.17: send X-Broker-API-Version: 2.17"
        raise BrokerError(HTTPStatus.PRECONDITION_FAILED, found)
    on_behalf_of = _identity(request.headers.get("X-Broker-API-Originating-Identity"))
    for id in request.match_info.values():
        if not id.isprintable() or len(id) > ID_MOST:
            raise bad(f"an id has at most {ID_MOST} printable characters")
    body = await _body(request) if request.method in {"PUT", "PATCH"} else {}
    return Request(request.query, body, int(version[1]), on_behalf_of)


def _identity(header: str | None) -> str:
    if header is None:
        return ""
    platform, _, value = header.partition(" ")
    try:
        found = json.loads(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        found = None
    if not platform or not isinstance(found, dict):
        raise bad("X-Broker-API-Originating-Identity is not a platform and an object in base64")
    return f" for {platform} {json.dumps(found)}"[:_IDENTITY_MOST]


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await read_body(request, "application/json", "cannot read the request")
        found = json.loads(body, parse_constant=_no_number)
    except Refused as refused:
        raise bad(refused.found) from None
    except (ValueError, RecursionError):
        raise bad("the body is no JSON") from None
    if not isinstance(found, dict):
        raise bad("the body is no object")
    return found


def _no_number(name: str) -> object:
    raise ValueError(name)


def _text(fields: Mapping[str, Any], name: str, *, needed: bool) -> str:
    found = fields.get(name)
    if found is None and not needed:
        return ""
    if not isinstance(found, str) or not found or len(found) > ID_MOST:
        raise bad(
            f"{name} is missing" if found is None or found == "" else f"{name} is no text of 1 to {ID_MOST} characters"
        )
    return found
