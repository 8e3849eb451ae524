"""Keeps one server running for as long as its task lives."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from addonkit.errors import AddonkitError
from addonkit.models.compute import Pool, PoolState
from addonkit.util.procfs import is_kept_from_running

if TYPE_CHECKING:
    from addonkit.compute.interface import Backend
    from addonkit.controller.pools import PoolReconciler
    from addonkit.controller.power import ServerPower
    from addonkit.store.interface import Store
    from addonkit.util.clock import Clock

PROBE_EVERY: Final = 5.0
"""Seconds between probes of a server that serves. Its end is noticed at once, from the kernel."""

PROBES: Final = 12
"""Probes between two looks at everything about a server that serves."""

STARTING: Final = 0.5
"""Seconds between looks at a server that was started lately, or does not answer."""

HUNG_AFTER: Final = 10.0
"""Seconds without an answer after which a server that runs is restarted. A busy one answers within them."""

GLANCES: Final = 2
"""Glances in a row at a process that a signal keeps from running, after which it is restarted: none is busy so."""

LONGEST_PAUSE: Final = 60.0
"""Seconds at most between two attempts to start a server."""

Report = Callable[[str], None]
"""Takes a sentence about what was done, for people."""


class ServerKeeper:
    """Looks at one server again and again: starts it when it ended, restarts it when it hangs.

    Args:
        server_id: of the server.
        report: called with each thing that was done or cannot be done, a sentence.
    """

    def __init__(
        self,
        server_id: str,
        store: Store,
        backend: Backend,
        pools: PoolReconciler,
        power: ServerPower,
        clock: Clock,
        report: Report,
    ) -> None:
        self._server = server_id
        self._store = store
        self._backend = backend
        self._pools = pools
        self._power = power
        self._clock = clock
        self._report = report
        self._changed = asyncio.Event()
        self._failures = 0
        self._told = ""
        self._silent: float | None = None
        self._served: int | None = None
        """The process that has answered."""
        self._stops = 0
        """Glances in a row at which that process was kept from running."""
        self.restarts = 0
        """How often the server was started again or restarted."""

    def look(self) -> None:
        """Look now: something about the server changed."""
        self._changed.set()

    def glance(self) -> None:
        """Read whether a signal keeps the process from running; that costs microseconds, and the server nothing."""
        stopped = self._served is not None and is_kept_from_running(self._served)
        self._stops = self._stops + 1 if stopped else 0
        if self._stops == GLANCES:
            self.look()

    async def run(self) -> None:
        """Keep the server until the task is cancelled or its pool is deleted."""
        while True:
            self._changed.clear()
            entity = await self._store.get(Pool, self._server)
            if entity is None:
                return
            pool = entity.value
            if self._stops >= GLANCES and pool.spec.desired_instances:
                await self._wait(*await self._restart("was kept from running by a signal"))
                continue
            state = await self._backend.observe(pool) if pool.spec.desired_instances else None
            if state is not None and state.ready:
                await self._rest(pool, state)
            else:
                await self._wait(*await self._act(pool, state))

    async def _rest(self, pool: Pool, state: PoolState) -> None:
        """Probe a server that serves, until it is time to look at everything again, or something is odd."""
        self._failures, self._told, self._silent, self._served = 0, "", None, state.pid
        for _ in range(PROBES):
            await self._wait(PROBE_EVERY, state.pid)
            if self._changed.is_set() or not await self._backend.answers(pool, state):
                return

    async def _act(self, pool: Pool, state: PoolState | None) -> tuple[float, int | None]:
        """Do what is to be done now; return seconds until the next look, and the process whose end is awaited."""
        if state is None:  # it was stopped on purpose
            return LONGEST_PAUSE, None
        if state.problem:
            self._tell(f"cannot be used: {state.problem}")
            return LONGEST_PAUSE, None
        if state.running and not self._hangs(pool, state):
            return STARTING, state.pid
        return await self._bring_back(state)

    def _hangs(self, pool: Pool, state: PoolState) -> bool:
        """Whether a server that does not answer has had its time, since its start and since its last answer."""
        begins = state.age is not None and state.age < pool.spec.port_wait_timeout
        if begins and state.pid != self._served:
            return False
        now = self._clock.monotonic()
        if self._silent is None:
            self._silent = now
        return now - self._silent >= HUNG_AFTER

    async def _restart(self, why: str) -> tuple[float, int | None]:
        self._stops = 0
        try:
            await self._power.restart(self._server)
        except AddonkitError as error:
            return self._failed(str(error))
        self._report_done(f"{why}, it was restarted")
        return 0.0, None

    async def _bring_back(self, state: PoolState) -> tuple[float, int | None]:
        if state.running:
            return await self._restart("did not answer")
        try:
            healed = await self._pools.heal({self._server})
        except AddonkitError as error:
            return self._failed(str(error))
        if self._server in healed.failed:
            return self._failed(healed.failed[self._server])
        if healed.started:
            self._report_done("had ended, it was started again")
        return 0.0 if healed.started else STARTING, None

    def _report_done(self, what: str) -> None:
        self.restarts += 1
        self._failures, self._told, self._silent = 0, "", None
        self._report(f"server {self._server} {what}")

    def _failed(self, reason: str) -> tuple[float, int | None]:
        """Wait longer after each failure."""
        self._failures += 1
        self._tell(f"does not start: {reason}")
        return min(2.0 ** (self._failures - 1), LONGEST_PAUSE), None

    def _tell(self, problem: str) -> None:
        """Report a problem once, not at each look."""
        if problem != self._told:
            self._told = problem
            self._report(f"server {self._server} {problem}")

    async def _wait(self, seconds: float, pid: int | None) -> None:
        """Return after that time, when the process ends, or when something changed."""
        with suppress(TimeoutError), _end_sets(self._changed, pid):
            async with asyncio.timeout(seconds):
                await self._changed.wait()


@contextmanager
def _end_sets(ended: asyncio.Event, pid: int | None) -> Iterator[None]:
    """Set the event when a process ends, while the block lasts. Does nothing where the kernel cannot tell."""
    descriptor = _open(pid, ended)
    if descriptor is None:
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _open(pid: int | None, ended: asyncio.Event) -> int | None:
    """A descriptor of the process; None without one. One that has ended sets the event."""
    if pid is None:
        return None
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        ended.set()
    except OSError:  # no such call, or not allowed: the next look notices the end
        return None
    return None
