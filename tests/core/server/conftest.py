"""The API of a home with an addon that keeps things in memory, and a client of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest

import addonkit
from addonkit import (
    AddonDefinition,
    Instance,
    ProvisionResult,
    Retry,
    Saga,
    Secret,
    Variable,
    VariantDefinition,
    hookimpl,
)
from addonkit.models.execution import Event
from addonkit.saga.step import step
from addonkit.server.listeners import SOCKET, Listening
from addonkit.server.metrics import Metrics
from addonkit.server.runner import OperationRunner
from addonkit.server.service import serving

SECRET = "pass-word-that-shows-nowhere-1234567890"


@attrs.define
class Shelf:
    """An addon whose instances are names in a set.

    Attributes:
        made: ids of instances that are there.
        broken: whether making fails; `problem` is why.
        held: set to let making wait until it is cleared; `entered` tells that it waits.
    """

    made: set[str] = attrs.field(factory=set)
    broken: bool = False
    problem: str = "the shelf broke"
    held: asyncio.Event | None = None
    entered: asyncio.Event = attrs.field(factory=asyncio.Event)

    @hookimpl
    def addon_definition(self) -> AddonDefinition:
        variants = (VariantDefinition("small", "A shelf"), VariantDefinition("wide", "A wide shelf"))
        return AddonDefinition(
            "shelf", "Shelf", "Keeps things", "small", variants, variables=("SHELF_URL", "SHELF_SIZE")
        )

    @hookimpl
    def addon_provision(self) -> Saga[ProvisionResult]:
        @step(undo=None, retry=Retry(attempts=1))
        async def make(instance: Instance) -> None:
            if self.held is not None:
                self.entered.set()
                await self.held.wait()
            if self.broken:
                raise ValueError(self.problem)
            self.made.add(instance.id)

        @step(gives="result", undo=None)
        async def fill() -> ProvisionResult:
            url = Variable("SHELF_URL", Secret(f"shelf://user:{SECRET}@localhost/1"), sensitive=True)
            return ProvisionResult((url, Variable("SHELF_SIZE", "3")))

        return Saga("shelf.provision", steps=[make, fill])

    @hookimpl
    def addon_deprovision(self, instance: Instance) -> Saga[None]:
        @step(undo=None)
        async def remove() -> None:
            self.made.discard(instance.id)

        return Saga("shelf.deprovision", steps=[remove])


@attrs.frozen
class Answer:
    """An answer of the API."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def data(self) -> Any:
        return json.loads(self.text)


@attrs.frozen
class Client:
    """Asks the API through one connection."""

    session: aiohttp.ClientSession
    base: str = "http://localhost"

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(method, self.base + path, json=body, headers=sent) as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    async def settle(self, answer: Answer) -> Any:
        """Wait for the operation that an answer has; the operation."""
        assert answer.status == 202, answer.text
        return (await self.events(answer.data["id"]))[-1]["data"]

    async def events(self, operation: str, **headers: str) -> list[dict[str, Any]]:
        """All events of an operation, to its end."""
        text = (await self("GET", f"/v1/operations/{operation}/events", **headers)).text
        frames = [dict(line.split(": ", 1) for line in frame.splitlines()) for frame in text.strip().split("\n\n")]
        return [{**frame, "data": json.loads(frame["data"])} for frame in frames if "data" in frame]


@attrs.frozen
class Served:
    """An API that answers."""

    kit: addonkit.Kit
    shelf: Any
    runner: OperationRunner
    client: Client
    said: list[str]


@asynccontextmanager
async def served(
    home: Path,
    shelf: Any,
    listening: Listening | None = None,
    *,
    addon: str = "shelf",
    traces: Any = None,
    **options: Any,
) -> AsyncIterator[Served]:
    """Serve a home with an addon in this process."""
    registry = addonkit.Registry()
    registry.register(shelf, addon)
    runners: list[OperationRunner] = []
    said: list[str] = []
    async with AsyncExitStack() as stack:
        connector = aiohttp.UnixConnector(str(home / SOCKET))
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))

        def take(event: Event) -> None:
            for each in runners:
                each.take(event)

        opened = addonkit.open(home, registry=registry, on_event=take, **options)
        kit = await stack.enter_async_context(opened)
        metrics = Metrics(kit)
        runners.append(OperationRunner(kit, metrics, traces))
        await stack.enter_async_context(serving(kit, runners[0], metrics, listening or Listening(), said.append))
        yield Served(kit, shelf, runners[0], Client(session), said)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def api(home: Path, shelf: Shelf) -> AsyncIterator[Served]:
    async with served(home, shelf, Listening.parse("127.0.0.1:0", "", "", ("api.example",))) as found:
        yield found


@pytest.fixture
def ask(api: Served) -> Client:
    return api.client
