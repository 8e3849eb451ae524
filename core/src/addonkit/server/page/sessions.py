"""Sessions of browsers: each stands for a token, ends with it, and lasts twelve hours at most."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from addonkit.kit.tokens import Tokens
    from addonkit.models.token import Token

LIFETIME: Final = 12 * 3600
"""Seconds from the login to the end of a session."""

MOST: Final = 1000
"""Sessions at once; the oldest ends when there are more."""


@attrs.frozen
class Session:
    """A browser that is logged in.

    Attributes:
        token: id of its token.
        csrf: secret that each form of this session sends, so that forms of other sites do nothing.
        ends: when, on the clock of `Sessions`.
    """

    token: str
    csrf: str
    ends: float


class Sessions:
    """Keeps digests of session ids in memory: a service that starts anew asks for tokens again.

    Args:
        tokens: what sessions stand for.
        clock: gives seconds that only grow.
    """

    def __init__(self, tokens: Tokens, clock: Callable[[], float] = monotonic) -> None:
        self._tokens = tokens
        self._clock = clock
        self._open: dict[str, Session] = {}

    def open(self, token: Token) -> str:
        """Begin a session for a token; return its id, which the browser keeps."""
        id = secrets.token_urlsafe(32)
        now = self._clock()
        living = {key: each for key, each in self._open.items() if each.ends > now}
        self._open = dict([*living.items()][-(MOST - 1) :])
        self._open[_digest(id)] = Session(token.id, secrets.token_urlsafe(32), now + LIFETIME)
        return id

    async def find(self, id: str) -> tuple[Session, Token] | None:
        """Return a session and its token; None when it has ended or its token was revoked."""
        session = self._open.get(_digest(id))
        if session is None:
            return None
        token = await self._tokens.find(session.token)
        if token is None or session.ends <= self._clock():
            self.close(id)
            return None
        return session, token

    def close(self, id: str) -> None:
        """End a session."""
        self._open.pop(_digest(id), None)


def _digest(id: str) -> str:
    return hashlib.sha256(id.encode("utf-8", "surrogateescape")).hexdigest()
