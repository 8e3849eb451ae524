"""A clock whose time passes only when it is asked to."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from typing import Final

_START: Final = datetime(2030, 1, 1, tzinfo=UTC)
_TICK: Final = 0.001
"""Real seconds that an automatic clock leaves to other work before it lets virtual time pass."""
_PATIENCE: Final = 5
"""How often it leaves that time again while the event loop has something else to do."""


class FakeClock:
    """Virtual time; see Clock. Sleepers wake in the order of their deadlines.

    Args:
        start: the time of day at the beginning.
        auto: whether time jumps to the earliest deadline by itself as soon as the event loop has nothing else to
            do. Without it sleepers sleep until `advance` reaches them.

    Attributes:
        slept: the seconds of every sleep so far, in the order they were asked for.
    """

    def __init__(self, start: datetime = _START, *, auto: bool = True) -> None:
        self.auto = auto
        self.slept: list[float] = []
        self._start = start
        self._elapsed = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """See Clock."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """See Clock. Begins at 0."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """See Clock. Always gives way to other tasks."""
        self.slept.append(seconds)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, (self._elapsed + max(seconds, 0.0), next(self._order), future))
        if self.auto:
            loop.call_later(_TICK, self._tick, loop, _PATIENCE)
        elif seconds <= 0:
            self._wake_next()
        await future

    async def advance(self, seconds: float) -> None:
        """Let that much time pass, stopping at every deadline on the way so that its sleeper acts at its time."""
        end = self._elapsed + seconds
        await _let_ready_tasks_run()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._wake_next()
            await _let_ready_tasks_run()
        self._elapsed = end

    @property
    def sleepers(self) -> int:
        """Return how many sleep now."""
        return sum(not future.done() for _, _, future in self._sleepers)

    def _tick(self, loop: asyncio.AbstractEventLoop, patience: int) -> None:
        if patience and getattr(loop, "_ready", None):
            loop.call_later(_TICK, self._tick, loop, patience - 1)
            return
        self._wake_next()

    def _wake_next(self) -> None:
        """Jump to the earliest deadline and wake its sleeper; those that were cancelled are forgotten."""
        while self._sleepers:
            deadline, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                self._elapsed = max(self._elapsed, deadline)
                future.set_result(None)
                return


async def _let_ready_tasks_run() -> None:
    """Give other tasks a few turns, so that those who were woken act and sleep again."""
    for _ in range(20):
        await asyncio.sleep(0)
