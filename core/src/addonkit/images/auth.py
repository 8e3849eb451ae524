"""Answering a registry's challenge: Basic, or a token of its token server.

The token server's protocol is that of the distribution project: GET with a scope, the login as Basic; or POST with
a refresh token, as in OAuth 2.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from addonkit.images.challenge import Challenge
from addonkit.images.credentials import Login
from addonkit.images.http import Answer, NoAnswer
from addonkit.images.transport import Transport

_OK: Final = 200
_CLIENT: Final = "addonkit"


class Refused(Exception):
    """The registry refuses the login at hand; the text says why, to stand behind its name."""


@attrs.frozen
class Authenticator:
    """Knows how to be let in by one registry.

    Args:
        transport: sends the requests for tokens.
        login: who we are; None to ask anonymously.
        scope: what a token is asked for when the registry does not say, as `repository:team/app:pull`.
        plain: whether the registry itself speaks plain HTTP; only then its token server may.
    """

    transport: Transport
    login: Login | None
    scope: str
    plain: bool

    async def authorization(self, challenges: Sequence[Challenge]) -> str:
        """Return the `Authorization` header that answers the challenges; a token is preferred to a password.

        Raises:
            Refused: when there is no login, or the token server does not accept it.
            NoAnswer: when the token server does not answer as one.
        """
        offered = {challenge.scheme: challenge for challenge in reversed(challenges)}
        if "bearer" in offered:
            return f"Bearer {await self._token(offered['bearer'].parameters)}"
        if "basic" in offered:
            return self._basic()
        raise Refused("asks for a kind of login that is not known here")

    def _basic(self) -> str:
        if self.login is None or not self.login.password:
            raise Refused("asks for a login, and there is none for it")
        return _basic(self.login)

    async def _token(self, parameters: Mapping[str, str]) -> str:
        from yarl import URL

        realm = parameters.get("realm", "")
        self._check(realm)
        scopes = (parameters.get("scope") or self.scope).split()
        if self.login is not None and self.login.identity_token:
            return _token_in(await self._exchange(realm, parameters.get("service", ""), scopes, self.login))
        query = [("service", parameters["service"])] if parameters.get("service") else []
        url = URL(realm).extend_query([*query, *(("scope", scope) for scope in scopes)])
        headers = {"Authorization": _basic(self.login)} if self.login is not None else {}
        return _token_in(await self.transport.send("GET", str(url), headers))

    async def _exchange(self, realm: str, service: str, scopes: Sequence[str], login: Login) -> Answer:
        form = {"grant_type": "refresh_token", "service": service, "scope": " ".join(scopes), "client_id": _CLIENT}
        return await self.transport.send("POST", realm, {}, {**form, "refresh_token": login.identity_token.reveal()})

    def _check(self, realm: str) -> None:
        """Refuse a token server in the clear for a registry that is asked encrypted: the login would be readable."""
        from yarl import URL

        try:
            url = URL(realm)
        except ValueError:
            url = URL()
        if url.scheme not in {"http", "https"} or not url.host:
            raise NoAnswer("names no usable token server")
        if url.scheme == "http" and not self.plain:
            raise NoAnswer("names a token server that would be asked over plain http")


def _basic(login: Login) -> str:
    pair = f"{login.username}:{login.password.reveal()}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _token_in(answer: Answer) -> str:
    if 400 <= answer.status < 500:  # noqa: PLR2004 - HTTP's class of refusals
        raise Refused(f"has a token server that refuses us (HTTP status {answer.status})")
    if answer.status != _OK:
        raise NoAnswer(f"has a token server that answers with HTTP status {answer.status}")
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = None
    found = (body.get("token") or body.get("access_token")) if isinstance(body, dict) else None
    # A header cannot hold line ends, and must not be made to.
    if not isinstance(found, str) or not found.isascii() or not found.isprintable():
        raise NoAnswer("has a token server that answers without a token")
    return found
