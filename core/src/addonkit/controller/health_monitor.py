"""Asks all servers that serve, again and again, for so little that it does not matter how many there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.models.health import Answer
from addonkit.util.listeners import queues
from addonkit.util.procfs import is_kept_from_running
from addonkit.util.pulse import Pulse

if TYPE_CHECKING:
    from addonkit.compute.interface import Backend
    from addonkit.controller.server_keeper import ServerKeeper
    from addonkit.models.compute import Pool, PoolState
    from addonkit.util.clock import Clock

SAMPLE_EVERY: Final = 0.25
"""Seconds between samples at all servers, which cost microseconds: is one stopped, does one leave clients waiting?"""

ASK_EVERY: Final = 0.5
"""Seconds at least between two questions to a server that nothing is suspected of."""

SHARE: Final = 0.005
"""Of a processor that questions to all servers cost at most, the servers' own side included."""

SHARE_OF_REGULAR: Final = 0.002
"""The same for servers with a regular pulse: one that hangs has none, and is asked then."""

REGULAR: Final = 8
"""Glances in a row in which a pulse was felt, after which it is regular."""

LONGEST: Final = 15.0
"""Seconds at most between two questions to one server."""

AT_ONCE: Final = 50
"""Servers without a pulse that are sampled in one go at most, beside those that are asked."""


@attrs.define
class _Watch:
    """The record of one process.

    Attributes:
        pulse: shows whether it does anything.
        due: when it is asked next.
        seconds: that its quickest answer took.
        beats: samples in a row in which it had a pulse.
        patience: until when a pulse that stays away is no reason to ask: there was one lately that was none.
    """

    pid: int | None
    pulse: Pulse
    due: float
    seconds: float = 0.0
    beats: int = 0
    patience: float = 0.0

    @property
    def is_regular(self) -> bool:
        return self.beats >= REGULAR


class HealthMonitor:
    """Looks after servers that rest, and suspects those that do not do as they should.

    Each is asked as often as the share of a processor allows. It is asked at once when its regular pulse stays away,
    or a connection waits to be accepted. One that a signal keeps from running is suspected at once.
    """

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock
        self._known: dict[str, _Watch] = {}
        self._place = 0

    async def run(self, servers: Mapping[str, ServerKeeper]) -> None:
        """Go on until the task is cancelled. `servers` may change meanwhile."""
        try:
            while True:
                await self.check_once({name: server.resting for name, server in servers.items()}, servers)
                await self._clock.sleep(SAMPLE_EVERY)
        finally:
            self._keep({})

    async def check_once(
        self, resting: Mapping[str, tuple[Pool, PoolState] | None], servers: Mapping[str, ServerKeeper]
    ) -> None:
        """Ask those whose turn it is or whose pulse stays away, and sample others without one."""
        watched = {name: each for name, each in resting.items() if each is not None}
        self._keep({name: self._watch(name, state) for name, (_pool, state) in watched.items()})
        quiet = [name for name, watch in self._known.items() if not watch.pulse.beats()]
        faltering = {*self._faltering(quiet)}
        turns = {*self._turns(watched), *faltering}
        self._count({*quiet})
        for name in self._sampled({*quiet} - turns):
            pid = self._known[name].pid
            if pid is not None and is_kept_from_running(pid):
                servers[name].suspect()
        asked = [name for name in watched if name in turns]
        answers = await self._backend.ask([watched[name] for name in asked]) if asked else ()
        for name, asking in zip(asked, answers, strict=True):
            self._note(self._known[name], asking.seconds, falters=name in faltering)
            if asking.answer is not Answer.READY and name in servers:
                servers[name].suspect()

    def _keep(self, known: dict[str, _Watch]) -> None:
        former, self._known = self._known, known
        for name, watch in former.items():
            if known.get(name) is not watch:
                watch.pulse.close()

    def _faltering(self, quiet: Iterable[str]) -> Iterable[str]:
        now = self._clock.monotonic()
        return (name for name in quiet if self._known[name].is_regular and self._known[name].patience <= now)

    def _count(self, quiet: Collection[str]) -> None:
        for name, watch in self._known.items():
            if name not in quiet:
                watch.beats += 1
            elif not watch.is_regular:
                watch.beats = 0

    def _sampled(self, names: Collection[str]) -> Iterable[str]:
        """Return some of these, others each time, so that the cost has a bound."""
        self._place = self._place + AT_ONCE if self._place < len(names) - AT_ONCE else 0
        return sorted(names)[self._place : self._place + AT_ONCE]

    def _watch(self, name: str, state: PoolState) -> _Watch:
        known = self._known.get(name)
        if known is not None and known.pid == state.pid:
            return known
        return _Watch(state.pid, Pulse(state.pid), self._clock.monotonic())

    def _turns(self, watched: Mapping[str, tuple[Pool, PoolState]]) -> Iterable[str]:
        now, waited_for = self._clock.monotonic(), queues()
        for name, (pool, _state) in watched.items():
            if self._known[name].due <= now or not waited_for.isdisjoint(pool.ports.values()):
                yield name

    def _note(self, watch: _Watch, seconds: float, *, falters: bool) -> None:
        """Note an answer. The cost of all questions stays below the share, and that of needless ones below another."""
        if seconds:
            watch.seconds = min(watch.seconds or seconds, seconds)
        now, all_of_them = self._clock.monotonic(), watch.seconds * len(self._known)
        share = SHARE_OF_REGULAR if watch.is_regular else SHARE
        watch.due = now + min(max(all_of_them / share, ASK_EVERY), LONGEST)
        if falters:
            watch.beats, watch.patience = 0, now + all_of_them / SHARE
