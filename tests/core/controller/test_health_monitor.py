"""How often servers are asked: what all questions cost has a bound, and one whose pulse stays away is asked at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from time import sleep
from typing import Any, cast

import pytest

from addonkit.controller import health_monitor
from addonkit.controller.health_monitor import LONGEST, REGULAR, SAMPLE_EVERY, SHARE, SHARE_OF_REGULAR, HealthMonitor
from addonkit.models.compute import Pool, PoolState
from addonkit.models.health import Answer, Asked
from addonkit.util.pulse import Pulse


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


async def monitored(backend: Backend, count: int, seconds: float) -> dict[str, Resting]:
    clock, watched = Clock(), pools(count)
    servers = {name: Resting() for name in watched}
    monitor = HealthMonitor(cast("Any", backend), cast("Any", clock))
    while clock.now < seconds:
        await monitor.check_once(watched, cast("Any", servers))
        clock.now += SAMPLE_EVERY
    return servers


@pytest.mark.parametrize(("count", "seconds"), [(1, 0.001), (100, 0.0001), (100, 0.002), (500, 0.0002)])
async def test_all_questions_together_cost_no_more_than_their_share(
    monkeypatch: pytest.MonkeyPatch, count: int, seconds: float
) -> None:
    monkeypatch.setattr(health_monitor, "queues", frozenset)
    backend = Backend(seconds)

    servers = await monitored(backend, count, 10 * LONGEST)

    spent = seconds * (backend.asked.total() - count) / (10 * LONGEST)
    assert spent <= max(SHARE, seconds * count / LONGEST) * 1.01
    assert min(backend.asked.values()) >= 10, "none is forgotten"
    assert not any(each.suspected for each in servers.values())


async def test_a_server_that_leaves_clients_waiting_is_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_monitor, "queues", lambda: frozenset({1}))
    backend = Backend(LONGEST)

    await monitored(backend, 2, 10 * SAMPLE_EVERY)  # the queue is looked at with each sample

    assert backend.asked == {"server0": 10, "server1": 1}


class Beating:
    """A pulse that stays away when it is told to."""

    away = False

    def __init__(self, pid: int | None) -> None:
        self.is_one = pid == 1

    def beats(self) -> bool:
        return not (self.is_one and Beating.away)

    def close(self) -> None:
        """Nothing is open."""


async def test_a_server_with_a_pulse_is_asked_rarely_and_at_once_when_it_stays_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health_monitor, "queues", frozenset)
    monkeypatch.setattr(health_monitor, "Pulse", Beating)
    monkeypatch.setattr(Beating, "away", False)
    seconds, count = 0.0001, 100
    backend, clock, watched = Backend(seconds), Clock(), pools(count)
    servers = {name: Resting() for name in watched}
    watched["server0"] = (watched["server0"][0], PoolState(1, 1, pid=1))
    monitor = HealthMonitor(cast("Any", backend), cast("Any", clock))

    async def sample(times: int = 1) -> int:
        former = backend.asked["server0"]
        for _ in range(times):
            clock.now += SAMPLE_EVERY
            await monitor.check_once(watched, cast("Any", servers))
        return backend.asked["server0"] - former

    await sample(REGULAR + 1)
    backend.asked.clear()
    rounds = round(10 * LONGEST / SAMPLE_EVERY)
    await sample(rounds)
    assert seconds * backend.asked.total() / (10 * LONGEST) <= SHARE_OF_REGULAR * 1.01
    Beating.away = True
    assert await sample() == 1, "it is asked at once, whenever its turn is"
    needless = 0
    for _ in range(rounds // (REGULAR + 1)):
        Beating.away = False
        await sample(REGULAR)
        Beating.away = True
        needless += await sample()
    assert needless * seconds * count / (10 * LONGEST) <= SHARE, "what is needless has a bound too"


def test_a_process_that_wakes_up_has_a_pulse_until_it_is_stopped_or_ends() -> None:
    script = "import time\nwhile True: time.sleep(0.01)"
    with subprocess.Popen([sys.executable, "-S", "-c", script]) as process:
        pulse = Pulse(process.pid)
        until(pulse.beats)
        until(pulse.beats)
        os.kill(process.pid, signal.SIGSTOP)
        until(lambda: not pulse.beats() and not pulse.beats())
        os.kill(process.pid, signal.SIGCONT)
        until(pulse.beats)
        process.kill()
    assert not pulse.beats()
    pulse.close()
    assert not pulse.beats()
    assert not Pulse(process.pid).beats()
    assert not Pulse(None).beats()


def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        sleep(0.02)
    raise AssertionError
