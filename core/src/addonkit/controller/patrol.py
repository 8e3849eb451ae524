"""Asks all servers that serve, again and again, for so little that it does not matter how many there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.models.health import Answer
from addonkit.util.listeners import queues
from addonkit.util.procfs import is_kept_from_running

if TYPE_CHECKING:
    from addonkit.compute.interface import Backend
    from addonkit.controller.server_keeper import ServerKeeper
    from addonkit.models.compute import Pool, PoolState
    from addonkit.util.clock import Clock

GLANCE_EVERY: Final = 0.5
"""Seconds between glances at all servers, which cost microseconds: is one stopped, does one leave clients waiting?"""

SHARE: Final = 0.005
"""Of a processor that questions to all servers cost at most, the servers' own side included."""

LONGEST: Final = 15.0
"""Seconds at most between two questions to one server."""

AT_ONCE: Final = 50
"""Servers that are glanced at in one go at most, beside those that are asked."""


@attrs.define
class _Watch:
    """What is known of one process.

    Attributes:
        due: when it is asked next.
        seconds: that its quickest answer took.
    """

    pid: int | None
    due: float
    seconds: float = 0.0


class Patrol:
    """Looks after servers that rest, and suspects those that do not do as they should.

    Each is asked as often as the share of a processor allows, at most at each glance. A server at which a
    connection waits to be accepted is asked at once. So is one that a signal keeps from running.
    """

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock
        self._known: dict[str, _Watch] = {}
        self._place = 0

    async def run(self, servers: Mapping[str, ServerKeeper]) -> None:
        """Go on until the task is cancelled. `servers` may change meanwhile."""
        while True:
            await self.look({name: server.resting for name, server in servers.items()}, servers)
            await self._clock.sleep(GLANCE_EVERY)

    async def look(
        self, resting: Mapping[str, tuple[Pool, PoolState] | None], servers: Mapping[str, ServerKeeper]
    ) -> None:
        """Ask those whose turn it is, and glance at others: one that is stopped does not answer either."""
        watched = {name: each for name, each in resting.items() if each is not None}
        self._known = {name: self._watch(name, state) for name, (_pool, state) in watched.items()}
        asked = [*self._turns(watched)]
        for name in self._glanced(watched.keys() - {*asked}):
            pid = self._known[name].pid
            if pid is not None and is_kept_from_running(pid):
                servers[name].suspect()
        answers = await self._backend.ask([watched[name] for name in asked]) if asked else ()
        for name, asking in zip(asked, answers, strict=True):
            self._known[name].due = self._clock.monotonic() + self._pause(self._known[name], asking.seconds)
            if asking.answer is not Answer.READY and name in servers:
                servers[name].suspect()

    def _glanced(self, names: Collection[str]) -> Iterable[str]:
        """Some of these, others each time, so that the cost has a bound."""
        self._place = self._place + AT_ONCE if self._place < len(names) - AT_ONCE else 0
        return sorted(names)[self._place : self._place + AT_ONCE]

    def _watch(self, name: str, state: PoolState) -> _Watch:
        known = self._known.get(name)
        return known if known is not None and known.pid == state.pid else _Watch(state.pid, self._clock.monotonic())

    def _turns(self, watched: Mapping[str, tuple[Pool, PoolState]]) -> Iterable[str]:
        now, waited_for = self._clock.monotonic(), queues()
        for name, (pool, _state) in watched.items():
            if self._known[name].due <= now or not waited_for.isdisjoint(pool.ports.values()):
                yield name

    def _pause(self, watch: _Watch, seconds: float) -> float:
        """Seconds until the next question: the cost of all questions stays below the share."""
        if seconds:
            watch.seconds = min(watch.seconds or seconds, seconds)
        return min(watch.seconds * len(self._known) / SHARE, LONGEST)
