"""A client under load: reads, creates and destroys, and knows what it should find."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

import aiohttp
import attrs

READS: Final = (
    "/v1/health",
    "/v1/instances?limit=50&cursor={app}",
    "/v1/instances/{app}-light",
    "/v1/apps?limit=50&cursor={app}",
    "/v1/apps/{app}",
    "/v1/apps/{app}/environment?reveal=true",
)
"""What clients read."""

_AGAIN: Final = 0.05
"""Seconds before a client asks again a service that does not answer."""


@attrs.define
class Seen:
    """The answers that all clients saw.

    Attributes:
        reads: seconds of each read that was answered, by what was read.
        changes: creates and destroys that were completed.
        wrong: what should not be, a sentence each.
    """

    reads: dict[str, list[float]] = attrs.field(factory=lambda: {path: [] for path in READS})
    changes: int = 0
    wrong: list[str] = attrs.field(factory=list)


@attrs.define
class LoadClient:
    """One client, with apps of its own.

    Attributes:
        name: beginning of the names of its apps.
        apps: that have an instance.
    """

    name: str
    session: aiohttp.ClientSession
    seen: Seen
    chance: random.Random
    apps: set[str] = attrs.field(factory=set)
    _made: int = 0

    async def create(self) -> None:
        """Make an instance for a new app."""
        app = f"{self.name}-{self._made}"
        self._made += 1
        ended = await self._carry_out("POST", "/v1/instances", {"addon": "light", "app": app})
        if ended["state"] == "succeeded":
            self.apps.add(app)
        else:
            self.seen.wrong.append(f"create of {app}: {ended['problem']}")

    async def destroy(self) -> None:
        """Destroy the instance of some app."""
        app = self.chance.choice(sorted(self.apps))
        self.apps.remove(app)
        ended = await self._carry_out("DELETE", f"/v1/instances/{app}-light?now=true", None)
        if ended["state"] != "succeeded":
            self.seen.wrong.append(f"destroy of {app}: {ended['problem']}")

    async def read(self) -> None:
        """Read something; what this client has made is there."""
        template = self.chance.choice(READS)
        app = self.chance.choice(sorted(self.apps))
        began = perf_counter()
        try:
            async with self.session.get(f"http://localhost{template.format(app=app)}") as answer:
                text, status = await answer.text(), answer.status
        except (aiohttp.ClientError, OSError):
            await asyncio.sleep(_AGAIN)
            return
        self.seen.reads[template].append(perf_counter() - began)
        if status != 200:  # noqa: PLR2004 - of HTTP
            self.seen.wrong.append(f"GET {template} of {app}: {status} {text[:200]}")

    async def work(self, until: Callable[[], bool], most: int) -> None:
        """Read, create and destroy, in no order, until it is enough."""
        while not until():
            act = self.chance.random()
            if act < 0.7 and self.apps:  # noqa: PLR2004 - most of what clients do is reading
                await self.read()
            elif len(self.apps) < most and (act < 0.85 or not self.apps):  # noqa: PLR2004 - as many of each
                await self.create()
            elif self.apps:
                await self.destroy()

    async def _carry_out(self, method: str, path: str, body: Any) -> dict[str, Any]:
        """Ask with a key until there is an answer, and then for the operation until it has ended."""
        key = {"Idempotency-Key": secrets.token_hex(8)}
        operation = await self._ask(method, path, body, key)
        while operation["state"] == "running":
            await self._listen(operation["id"])
            operation = await self._ask("GET", f"/v1/operations/{operation['id']}", None, {})
        self.seen.changes += 1
        return operation

    async def _listen(self, operation: str) -> None:
        """Wait until the stream of an operation ends, as it does with the operation and with the service."""
        try:
            async with self.session.get(f"http://localhost/v1/operations/{operation}/events") as answer:
                await answer.read()
        except (aiohttp.ClientError, OSError):
            await asyncio.sleep(_AGAIN)

    async def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        while True:
            try:
                url = f"http://localhost{path}"
                async with self.session.request(method, url, json=body, headers=headers) as answer:
                    document: dict[str, Any] = await answer.json(content_type=None)
            except (aiohttp.ClientError, OSError, ValueError):
                await asyncio.sleep(_AGAIN)
                continue
            if answer.status < 400:  # noqa: PLR2004 - of HTTP
                return document
            if answer.status == 503:  # noqa: PLR2004 - of HTTP
                await asyncio.sleep(_AGAIN)
                continue
            return {"state": "refused", "problem": document}
