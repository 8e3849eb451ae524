"""HTTP with a registry: redirects that keep secrets at home, repetition of what may pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.images.http import Answer, Interrupted, NoAnswer, exchange
from addonkit.images.retries import backoff, passes, retry_after
from addonkit.util.clock import Clock

if TYPE_CHECKING:
    from aiohttp import ClientSession  # noqa: TC004 - the annotation stays a string
    from yarl import URL

_HOPS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@attrs.frozen
class Transport:
    """Sends requests within a budget of time.

    Args:
        session: where the connections are.
        clock: where waiting happens.
        deadline: on the clock's monotonic time; a wait that would end later is not begun.
        attempts: how often one request is sent at most.
    """

    session: ClientSession
    clock: Clock
    deadline: float
    attempts: int

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the answer to a request, after redirects; asked again while the answer is one that passes.

        `Authorization` and a form are never sent on to another host that a redirect points to.

        Raises:
            NoAnswer: when there is none within the limits.
        """
        attempt = 1
        while True:
            answer, reason = await self._try(method, url, headers, form)
            if answer is not None and not passes(answer.status):
                return answer
            asked = retry_after(answer.header("retry-after"), self.clock.now()) if answer else None
            wait = backoff(attempt) if asked is None else asked
            if attempt >= self.attempts or self.clock.monotonic() + wait >= self.deadline:
                raise NoAnswer(reason if asked is None else f"{reason} and asks to wait {asked:.0f} s")
            await self.clock.sleep(wait)
            attempt += 1

    async def _try(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> tuple[Answer | None, str]:
        """Return an answer, or none where the connection broke, and what to say if it stays like that."""
        try:
            answer = await self._follow(method, _url(url), headers, form)
        except Interrupted as error:
            return None, str(error)
        return answer, f"answers with HTTP status {answer.status}"

    async def _follow(
        self, method: str, start: URL, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> Answer:
        carried, target, away = dict(headers), start, False
        for _ in range(_HOPS + 1):
            answer = await exchange(self.session, method, target, carried, form)
            location = answer.header("location")
            if answer.status not in _REDIRECTS or not location or form is not None:
                return attrs.evolve(answer, away=away)
            target = _next(target, location)
            if target.origin() != start.origin():
                away = True
                carried.pop("Authorization", None)
        raise NoAnswer(f"redirects more than {_HOPS} times")


def _url(text: str) -> URL:
    from yarl import URL

    try:
        url = URL(text)
    except ValueError:
        raise NoAnswer("points to something that is not a URL") from None
    if url.scheme not in {"http", "https"} or not url.host or url.user or url.password:
        raise NoAnswer("points to something that is not a plain http or https URL")
    return url


def _next(current: URL, location: str) -> URL:
    """Return where a redirect points. What began encrypted goes on encrypted."""
    try:
        target = _url(str(current.join(type(current)(location))))
    except ValueError:
        raise NoAnswer("redirects to something that is not a URL") from None
    if current.scheme == "https" and target.scheme == "http":
        raise NoAnswer("redirects from https to plain http")
    return target
