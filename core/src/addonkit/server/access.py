"""Identifies callers, and tells what they may do."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import attrs
from aiohttp import web

from addonkit.models.token import Role, Token
from addonkit.server.problems import Refused

if TYPE_CHECKING:
    from addonkit.kit.tokens import Tokens

_CREDENTIALS: Final = struct.Struct("3i")
"""`struct ucred`, see unix(7): pid, uid, gid."""


@attrs.frozen
class Principal:
    """The caller of a request.

    Attributes:
        name: as the audit log has it: `uid 1000` or `token deploy (abc)`.
        role: see Role.
        apps: the only apps within reach; empty stands for all.
    """

    name: str
    role: Role
    apps: tuple[str, ...] = ()

    @classmethod
    def of_token(cls, token: Token) -> Principal:
        """Return who has a token."""
        return cls(f"token {token.name} ({token.id})", token.role, token.apps)

    def reaches(self, apps: Iterable[str]) -> bool:
        """Return whether something that concerns these apps is within reach."""
        return not self.apps or any(app in self.apps for app in apps)

    def reaches_all(self, apps: Iterable[str]) -> bool:
        """Return whether all apps that something concerns are within reach, one at least."""
        named = {*apps}
        return not self.apps or (bool(named) and named <= {*self.apps})

    def require_app(self, app: str, attempted: str) -> None:
        """Make sure that an app is within reach.

        Raises:
            Refused: it is not.
        """
        if self.apps and app not in self.apps:
            raise Refused(HTTPStatus.FORBIDDEN, attempted, f"this token does not reach the app {app}")

    def require_each(self, apps: Iterable[str], attempted: str) -> None:
        """Make sure that all apps that something concerns are within reach; those that are not stay unnamed.

        Raises:
            Refused: one is not.
        """
        if self.apps and not {*apps} <= {*self.apps}:
            found = "apps that this token does not reach use it as well"
            raise Refused(HTTPStatus.FORBIDDEN, attempted, found)

    def require_all(self, attempted: str) -> None:
        """Make sure that all apps are within reach.

        Raises:
            Refused: only some are.
        """
        if self.apps:
            found = f"this token reaches only {', '.join(self.apps)}"
            raise Refused(HTTPStatus.FORBIDDEN, attempted, found, "ask for a token without `--app`")

    def require(self, role: Role, attempted: str) -> None:
        """Make sure that the role is enough.

        Raises:
            Refused: it is not.
        """
        if not self.role.allows(role):
            found = f"this token has the role {self.role}, which may not do that"
            raise Refused(HTTPStatus.FORBIDDEN, attempted, found, f"ask for a token with the role {role}")


async def identify(request: web.Request, tokens: Tokens) -> Principal:
    """Return who asks: by a token, or by the user at the other end of a Unix socket.

    The user of this process and root may do everything through a Unix socket.

    Raises:
        Refused: there is no token, or none that is known.
    """
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    attempted = f"cannot {request.method} {request.path}"
    if not scheme:
        user = peer_user(request)
        if user is not None and user in {0, os.geteuid()}:
            return Principal(f"uid {user}", Role.ADMIN)
        raise _unknown(attempted, "there is no token")
    token = await tokens.recognize(text.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise _unknown(attempted, "the token is not known")
    return Principal.of_token(token)


def peer_user(request: web.Request) -> int | None:
    """Return the user id of the process at the other end of a Unix socket; None on any other."""
    found = request.transport.get_extra_info("socket") if request.transport else None
    if found is None or found.family != socket.AF_UNIX:
        return None
    _, user, _ = _CREDENTIALS.unpack(found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(user)


def _unknown(attempted: str, found: str) -> Refused:
    advice = "send `Authorization: Bearer TOKEN`; `addonkit token create` makes one"
    return Refused(HTTPStatus.UNAUTHORIZED, attempted, found, advice, WWW_Authenticate='Bearer realm="addonkit"')
