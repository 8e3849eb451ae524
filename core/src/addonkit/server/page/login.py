"""Logging in with a token of the API, and out."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import web

from addonkit.server.access import Principal, peer_user
from addonkit.server.page.answers import page, see_other
from addonkit.server.page.reading import read_form
from addonkit.server.page.security import check_origin, drop_session, keep_session, session_id
from addonkit.server.page.throttle import Throttle
from addonkit.server.request_notes import note_who

if TYPE_CHECKING:
    from addonkit.kit.tokens import Tokens
    from addonkit.models.token import Token
    from addonkit.server.page.sessions import Sessions

_OWN: Final = re.compile(r"/((instances|apps)/[A-Za-z0-9._%-]+)?")
"""Paths that a login leads to: those of the page itself."""


class Login:
    """Takes tokens and gives sessions.

    Args:
        tokens: that are known.
        sessions: of browsers.
    """

    def __init__(self, tokens: Tokens, sessions: Sessions) -> None:
        self._tokens = tokens
        self._sessions = sessions
        self._throttle = Throttle()

    def know(self, token: Token) -> Principal:
        """Return who has a token, and note it for the audit log."""
        principal = Principal.of_token(token)
        note_who(principal)
        return principal

    async def form(self, request: web.Request) -> web.Response:
        """Show the form; a browser that is logged in continues."""
        wanted = own_path(request.query.get("next", ""))
        if await self._sessions.find(session_id(request)) is not None:
            return see_other(wanted)
        return _form(wanted)

    async def submit(self, request: web.Request) -> web.Response:
        """Take a token and begin a session.

        Raises:
            Refused: the form is of another site, or too many tokens were wrong.
        """
        attempted = "cannot log in"
        check_origin(request, attempted)
        form = await read_form(request, attempted)
        client = "unix" if peer_user(request) is not None else str(request.remote)
        self._throttle.check(client)
        wanted = own_path(form.get("next", ""))
        token = await self._tokens.recognize(form.get("token", "").strip())
        if token is None:
            self._throttle.note(client)
            return _form(wanted, HTTPStatus.UNAUTHORIZED, problem="The token is not known.")
        self.know(token)
        self._sessions.close(session_id(request))
        response = see_other(wanted)
        keep_session(request, response, self._sessions.open(token))
        return response

    def leave(self, request: web.Request) -> web.Response:
        """End the session."""
        self._sessions.close(session_id(request))
        response = see_other("/login")
        drop_session(request, response)
        return response


def own_path(text: str) -> str:
    """Return a path of the page as it is; `/` for anything else, so that no link leads to another site."""
    return text if _OWN.fullmatch(text) else "/"


def _form(wanted: str, status: HTTPStatus = HTTPStatus.OK, problem: str = "") -> web.Response:
    return page("login.html", status, next=wanted, problem=problem, visit=None, error=None)
