"""Speaks HTTP with `addonkit serve`: documents, problems as errors, operations to their end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import attrs

from addonkit import errors
from addonkit.errors import AddonkitError, InvalidInput, Retryable, TransientError
from addonkit.models.execution import Event, EventKind

if TYPE_CHECKING:
    import aiohttp

_KIND: Final = "urn:addonkit:error:"
_PAGE: Final = 500

_AWAY: Final = frozenset({502, 503, 504})
"""Statuses with which a proxy says that there is no service behind it."""

RECONNECT_EVERY: Final = 1.0
"""Seconds between attempts to follow an operation of a service that does not answer."""

RECONNECTS: Final = 30
"""Such attempts, before the service counts as gone."""


@attrs.define
class _Place:
    """A place in a stream of events: the id of the last one that arrived."""

    seen: str = ""


class Transport:
    """Asks one service.

    Args:
        session: of the HTTP client.
        base: of URLs.
        url: for messages.
        on_event: called with what happens to operations.
    """

    def __init__(
        self, session: aiohttp.ClientSession, base: str, url: str, on_event: Callable[[Event], None] | None
    ) -> None:
        self._session = session
        self._base = base
        self._url = url
        self._on_event = on_event

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: str) -> Any:
        """Return the document that answers a request; None without one.

        Raises:
            AddonkitError: as the service raised it.
            TransientError: the service does not answer.
        """
        async with self._answer(method, path, body, query) as answer:
            text = await answer.text()
        return json.loads(text) if text else None

    async def all(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Return all items of a list."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            part = await self.ask("GET", path, None, limit=str(_PAGE), cursor=cursor, **query)
            found += part["items"]
            if part["next"] is None:
                return found
            cursor = part["next"]

    async def carry_out(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, wait: bool = True, **query: str
    ) -> dict[str, Any]:
        """Begin an operation and return it when it has ended; without `wait` as soon as it has begun.

        Raises:
            AddonkitError: it failed, or was refused.
        """
        operation: dict[str, Any] = await self.ask(method, path, body, **query)
        if wait:
            operation = await self._follow(operation)
        if operation["problem"] is not None:
            raise error_of(operation["problem"])
        return operation

    async def _follow(self, operation: dict[str, Any]) -> dict[str, Any]:
        """Wait for the end of an operation, also while the service is started anew, or is busy.

        Raises:
            TransientError: the service does not come back.
            Busy: it stays busy.
        """
        place, misses = _Place(), 0
        while operation["state"] == "running":
            try:
                operation = await self._listen(operation["id"], place)
                misses = 0
            except Retryable:
                misses += 1
                if misses > RECONNECTS:
                    raise
                await asyncio.sleep(RECONNECT_EVERY)
        return operation

    async def _listen(self, id: str, place: _Place) -> dict[str, Any]:
        """Return an operation at its end, or as it is when its stream breaks; the next one begins at that place."""
        async for event_id, kind, data in self._events(id, place.seen):
            place.seen = event_id or place.seen
            if kind == "operation":
                return data
            if self._on_event is not None:
                self._on_event(_event(id, data))
        found: dict[str, Any] = await self.ask("GET", f"/v1/operations/{id}")
        return found

    async def _events(self, id: str, seen: str) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
        import aiohttp

        headers = {"Last-Event-ID": seen} if seen else {}
        frame: dict[str, str] = {}
        async with self._answer("GET", f"/v1/operations/{id}/events", None, {}, headers) as answer:
            try:
                async for raw in answer.content:
                    name, _, value = raw.decode().rstrip("\n").partition(": ")
                    if name:
                        frame[name] = value
                    elif "data" in frame:
                        yield frame.get("id", ""), frame["event"], json.loads(frame["data"])
                        frame = {}
            except aiohttp.ClientError:
                return

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        import aiohttp

        given = {name: value for name, value in query.items() if value}
        try:
            async with self._session.request(
                method, self._base + path, json=body, params=given, headers=headers
            ) as answer:
                if answer.status >= 400:  # noqa: PLR2004 - where refusals begin
                    raise _refusal(answer.status, await answer.text())
                yield answer
        except (aiohttp.ClientError, OSError) as error:
            reason = getattr(error, "strerror", "") or str(error) or type(error).__name__
            advice = "`addonkit serve` answers there; unset ADDONKIT_URL to use the home of this machine"
            raise TransientError(f"cannot reach addonkit at {self._url}", reason, advice) from error


def error_of(problem: Mapping[str, Any]) -> AddonkitError:
    """Return the error that a problem document is about."""
    kind = getattr(errors, problem.get("type", "").removeprefix(_KIND), AddonkitError)
    if not (isinstance(kind, type) and issubclass(kind, AddonkitError)):
        kind = AddonkitError
    found = problem.get("found") or problem.get("detail", "")
    return kind(problem.get("attempted") or "cannot do that", found, problem.get("advice", ""))


def part(name: str) -> str:
    """Return a name as part of a path."""
    return quote(name, safe="")


def _refusal(status: int, text: str) -> AddonkitError:
    try:
        problem = json.loads(text)
    except ValueError:
        problem = None
    if isinstance(problem, dict):
        return error_of(problem)
    kind = TransientError if status in _AWAY else InvalidInput
    return kind("cannot ask addonkit", f"the answer has status {status} and is none of addonkit's")


def _event(operation: str, data: Mapping[str, Any]) -> Event:
    return Event(
        f"{operation}/{data['saga']}",
        data["saga"],
        EventKind(data["kind"]),
        data["message"],
        datetime.fromisoformat(data["at"]),
        data["step"],
        data["number"],
        data["total"],
    )
