"""A trial: fills a home, lets clients work while the service is killed, and compares what is with what should be."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from time import monotonic
from typing import Final

import aiohttp
import attrs

from load_trials.client import LoadClient, Seen
from load_trials.service import Service, running

LOOK_EVERY: Final = 0.5
"""Seconds between looks at the memory of the service."""


@attrs.frozen
class Trial:
    """The size of a trial.

    Attributes:
        instances: that the home has all the time, about.
        clients: that work side by side.
        seconds: that they work.
        kills: of the service meanwhile.
        seed: of chance.
    """

    instances: int = 500
    clients: int = 50
    seconds: float = 120.0
    kills: int = 10
    seed: int = 1


@attrs.frozen
class Outcome:
    """The result of a trial.

    Attributes:
        seen: by the clients.
        lost: instances that were made and are not there.
        left: instances, files and operations that should not be there.
        memory: megabytes of the service, at each look.
        filled: seconds that it took to make the first instances.
    """

    seen: Seen
    lost: tuple[str, ...]
    left: tuple[str, ...]
    memory: tuple[float, ...]
    filled: float


async def carry_out(trial: Trial, root: Path) -> Outcome:
    """Carry a trial out below an empty directory."""
    async with running(root) as service:
        connector = aiohttp.UnixConnector(str(service.home / "api.sock"), limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            seen, chance = Seen(), random.Random(trial.seed)
            clients = [
                LoadClient(f"c{number}", session, seen, random.Random(chance.random()))
                for number in range(trial.clients)
            ]
            began = monotonic()
            each = trial.instances // trial.clients
            await asyncio.gather(*[_fill(client, each) for client in clients])
            filled = monotonic() - began
            await _work(trial, service, clients)
            expected = {f"{app}-light" for client in clients for app in client.apps}
            lost, left = await _compare(service, session, expected)
    return Outcome(seen, lost, left, tuple(service.memory), filled)


async def _fill(client: LoadClient, number: int) -> None:
    for _ in range(number):
        await client.create()


async def _work(trial: Trial, service: Service, clients: list[LoadClient]) -> None:
    end = monotonic() + trial.seconds
    most = trial.instances // trial.clients + 1
    working = [asyncio.create_task(client.work(lambda: monotonic() > end, most)) for client in clients]
    looking = asyncio.create_task(_look(service))
    for _ in range(trial.kills):
        await asyncio.sleep(trial.seconds / (trial.kills + 1))
        await service.kill()
    await asyncio.gather(*working)
    looking.cancel()


async def _look(service: Service) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY)
        service.look()


async def _compare(
    service: Service, session: aiohttp.ClientSession, expected: set[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found: dict[str, str] = {}
    cursor: str | None = ""
    while cursor is not None:
        async with session.get(f"http://localhost/v1/instances?limit=500&cursor={cursor}") as answer:
            part = json.loads(await answer.text())
        found |= {item["name"]: item["phase"] for item in part["items"]}
        cursor = part["next"]
    active = {name for name, phase in found.items() if phase == "active"}
    async with session.get("http://localhost/v1/operations?running=true") as answer:
        running_still = [each["id"] for each in json.loads(await answer.text())["items"]]
    files = len(list(service.files.iterdir()))
    left = [*sorted(set(found) - expected), *running_still]
    if files != len(expected):
        left.append(f"{files} files of {len(expected)} instances")
    return tuple(sorted(expected - active)), tuple(left)
