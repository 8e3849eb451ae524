"""How often servers are asked: what all questions cost has a bound, whatever their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import pytest

from addonkit.controller import patrol
from addonkit.controller.patrol import GLANCE_EVERY, LONGEST, SHARE, Patrol
from addonkit.models.compute import Pool, PoolState
from addonkit.models.health import Answer, Asked


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


class Backend:
    """Answers to everything in the same time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.asked: Counter[str] = Counter()

    async def ask(self, watched: Sequence[tuple[Pool, PoolState]]) -> list[Asked]:
        self.asked.update(pool.name for pool, _state in watched)
        return [Asked(Answer.READY, self.seconds) for _ in watched]


class Resting:
    """Says whether it was suspected."""

    suspected = 0

    def suspect(self) -> None:
        self.suspected += 1


def pools(count: int) -> dict[str, tuple[Pool, PoolState]]:
    made = (
        Pool(f"server{number}", cast("Any", None), "process", ports={"main": number + 1}) for number in range(count)
    )
    return {pool.name: (pool, PoolState(1, 1, pid=None)) for pool in made}


async def patrolled(backend: Backend, count: int, seconds: float) -> dict[str, Resting]:
    clock, watched = Clock(), pools(count)
    servers = {name: Resting() for name in watched}
    looks = Patrol(cast("Any", backend), cast("Any", clock))
    while clock.now < seconds:
        await looks.look(watched, cast("Any", servers))
        clock.now += GLANCE_EVERY
    return servers


@pytest.mark.parametrize(("count", "seconds"), [(1, 0.001), (100, 0.0001), (100, 0.002), (500, 0.0002)])
async def test_all_questions_together_cost_no_more_than_their_share(
    monkeypatch: pytest.MonkeyPatch, count: int, seconds: float
) -> None:
    monkeypatch.setattr(patrol, "queues", frozenset)
    backend = Backend(seconds)

    servers = await patrolled(backend, count, 10 * LONGEST)

    spent = seconds * (backend.asked.total() - count) / (10 * LONGEST)
    assert spent <= max(SHARE, seconds * count / LONGEST) * 1.01
    assert min(backend.asked.values()) >= 10, "none is forgotten"
    assert not any(each.suspected for each in servers.values())


async def test_a_server_that_leaves_clients_waiting_is_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patrol, "queues", lambda: frozenset({1}))
    backend = Backend(LONGEST)

    await patrolled(backend, 2, 10 * GLANCE_EVERY)

    assert backend.asked == {"server0": 10, "server1": 1}
