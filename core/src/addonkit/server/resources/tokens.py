"""Tokens of the API."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

import attrs

from addonkit.models.token import Role, Token
from addonkit.server.endpoints import Call, Endpoints, Page
from addonkit.server.paging import ListQuery, page
from addonkit.server.resources.words import AppName
from addonkit.server.schema import Text

endpoint: Final = Endpoints()


@attrs.frozen
class TokenResource:
    """A token, without its text.

    Attributes:
        id: of the token.
        name: for people.
        role: `admin`, `operator` or `reader`.
        apps: the only apps it reaches; empty stands for all.
        created: when.
    """

    id: str
    name: str
    role: Role
    apps: tuple[str, ...]
    created: datetime | None


@attrs.frozen
class NewTokenResource:
    """A token that was just made.

    Attributes:
        id: of the token.
        text: what a client sends; it is shown this once.
    """

    id: str
    text: str


@attrs.frozen
class CreateToken:
    """A request for a token.

    Attributes:
        name: for people.
        role: what it allows.
        apps: the only apps it reaches; empty stands for all.
    """

    name: Annotated[str, Text("[A-Za-z0-9][A-Za-z0-9 ._@-]*", 100, 1, "deploy")]
    role: Role
    apps: tuple[AppName, ...] = ()


@endpoint("GET", "/v1/tokens", Role.ADMIN)
async def list_tokens(call: Call, query: ListQuery) -> Page[TokenResource]:
    """List tokens by id."""
    call.principal.require_all(call.attempted)  # or a token would widen itself
    part = page(await call.kit.tokens.list(), lambda each: each.id, query)
    return Page(tuple(map(_resource, part.items)), part.next)


@endpoint("POST", "/v1/tokens", Role.ADMIN, status=HTTPStatus.CREATED)
async def create_token(call: Call, body: CreateToken) -> NewTokenResource:
    """Make a token. The answer has its text, which is not kept anywhere."""
    call.principal.require_all(call.attempted)
    token, text = await call.kit.tokens.create(body.name, body.role, body.apps)
    return NewTokenResource(token.id, text.reveal())


@endpoint("DELETE", "/v1/tokens/{token}", Role.ADMIN, status=HTTPStatus.NO_CONTENT)
async def revoke_token(call: Call, token: str) -> None:
    """Make a token worthless at once."""
    call.principal.require_all(call.attempted)
    await call.kit.tokens.revoke(token)


def _resource(token: Token) -> TokenResource:
    return TokenResource(token.id, token.name, token.role, token.apps, token.created)
