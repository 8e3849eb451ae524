"""Keeps one server running for as long as its task lives."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from addonkit.errors import AddonkitError
from addonkit.models.compute import Pool, PoolState
from addonkit.models.health import Health
from addonkit.util.procfs import is_kept_from_running

if TYPE_CHECKING:
    from addonkit.compute.interface import Backend
    from addonkit.controller.pools import PoolReconciler
    from addonkit.controller.power import ServerPower
    from addonkit.store.interface import Store
    from addonkit.util.clock import Clock

LOOK_AGAIN: Final = 300.0
"""Seconds between two looks at everything about a server that serves."""

STARTING: Final = 0.5
"""Seconds between looks at a server that was started lately, or is not ready."""

CONFIRM: Final = 0.1
"""Seconds after which a process that a signal keeps from running is looked at again: debuggers do that shortly."""

DEAF_AFTER: Final = 10.0
"""Seconds after which a server is restarted that runs, had the time to start, and does not listen."""

LOOPS_AFTER: Final = 60.0
"""Seconds after which a server is restarted that answers nothing and works all the while. A busy one answers sooner."""

STOPPED_PATIENCE: Final = 5.0
"""Seconds to end by itself for a process that a signal has stopped: once it continues it can."""

HUNG_PATIENCE: Final = 0.2
"""Seconds to end by itself for one that does nothing any more."""

LONGEST_PAUSE: Final = 60.0
"""Seconds at most between two attempts to start a server."""

Report = Callable[[str], None]
"""Takes a sentence about what was done, for people."""

_Pause = tuple[float, int | None]
"""Seconds until the next look, and the process whose end is awaited."""


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
        self._since: dict[Health, float] = {}
        """When each kind of trouble began that has not ended yet."""
        self._served: int | None = None
        """The process that has answered."""
        self.resting: tuple[Pool, PoolState] | None = None
        """What serves and is watched by `HealthMonitor`; None while it is looked at."""
        self._suspected = False
        self._waited = False
        """Whether another process had the time to start what it stopped."""
        self.restarts = 0
        """How often the server was started again or restarted, other than after a stop on purpose."""

    def wake(self) -> None:
        """Wake up: something about the server changed."""
        self._changed.set()

    def suspect(self) -> None:
        """Find out whether it hangs: it was asked, or sampled, and did not do as it should."""
        self._suspected = self.resting is not None
        self.wake()

    async def run(self) -> None:
        """Keep the server until the task is cancelled or its pool is deleted."""
        while True:
            self._changed.clear()
            entity = await self._store.get(Pool, self._server)
            if entity is None:
                return
            await self._look_at(entity.value)

    async def _look_at(self, pool: Pool) -> None:
        if not pool.spec.desired_instances:  # it was stopped on purpose
            await self._wait(LONGEST_PAUSE, None)
            return
        if self._suspected and self._served is not None:
            self._suspected = False
            state = PoolState(running=1, started=True, pid=self._served)
            pause = await self._judge(pool, state, self._served)
            if pause is not None:
                await self._wait(*pause)
                return
        state = await self._backend.observe(pool)
        if state.ready:
            await self._rest(pool, state)
        else:
            await self._wait(*await self._act(pool, state))

    async def _rest(self, pool: Pool, state: PoolState) -> None:
        """Leave a server that serves to the health monitor, until it is time to look at everything again."""
        self._failures, self._told, self._since, self._served = 0, "", {}, state.pid
        self._waited = False
        self.resting = pool, state
        try:
            await self._wait(LOOK_AGAIN, state.pid)
        finally:
            self.resting = None

    async def _act(self, pool: Pool, state: PoolState) -> _Pause:
        """Do what is to be done now about a server that is not ready."""
        if state.problem:
            self._tell(f"cannot be used: {state.problem}")
            return LONGEST_PAUSE, None
        if not state.running or state.pid is None:
            return await self._start_again(state)
        begins = state.pid != self._served and state.age is not None and state.age < pool.spec.port_wait_timeout
        if begins and not is_kept_from_running(state.pid):
            return STARTING, state.pid
        return await self._judge(pool, state, state.pid) or (STARTING, state.pid)

    async def _judge(self, pool: Pool, state: PoolState, pid: int) -> _Pause | None:
        """Restart a server that hangs; return None when all is well, or is to be looked at as a whole."""
        if is_kept_from_running(pid):
            await self._clock.sleep(CONFIRM)
            if is_kept_from_running(pid):
                return await self._restart("was kept from running by a signal", pid, STOPPED_PATIENCE)
        health = await self._backend.examine(pool, state)
        if health is Health.HANGS:
            return await self._restart("did not answer", pid, HUNG_PATIENCE)
        if health is Health.OTHER:
            self._tell("answers, and is not ready")
        if health in {Health.READY, Health.OTHER}:
            self._since = {}
            return None
        limit = DEAF_AFTER if health is Health.REFUSES else LOOPS_AFTER
        if self._clock.monotonic() - self._since.setdefault(health, self._clock.monotonic()) >= limit:
            return await self._restart("did not answer", pid, STOPPED_PATIENCE)
        self._suspected = health is Health.WORKS and pid == self._served
        return STARTING, pid

    async def _start_again(self, state: PoolState) -> _Pause:
        """Start what ended. A command that stopped it on purpose may start it first, or record that it stays down."""
        if not (state.started and state.age is None):
            return await self._bring_back()
        if not self._waited:
            self._waited = True
            return STARTING, None
        return await self._bring_back("was stopped, it was started", counts=False)

    async def _restart(self, why: str, pid: int, patience: float) -> _Pause:
        try:
            await self._power.end_process(self._server, pid, patience)
        except AddonkitError as error:
            return self._failed(str(error))
        return await self._bring_back(f"{why}, it was restarted")

    async def _bring_back(self, done: str = "had ended, it was started again", *, counts: bool = True) -> _Pause:
        try:
            healed = await self._pools.heal({self._server})
        except AddonkitError as error:
            return self._failed(str(error))
        if self._server in healed.failed:
            return self._failed(healed.failed[self._server])
        if healed.started:
            self._report_done(done, counts=counts)
        return 0.0 if healed.started else STARTING, None

    def _report_done(self, what: str, *, counts: bool) -> None:
        self.restarts += counts
        self._failures, self._told, self._since = 0, "", {}
        self._report(f"server {self._server} {what}")

    def _failed(self, reason: str) -> _Pause:
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
    """Return a descriptor of the process; None without one. One that has ended sets the event."""
    if pid is None:
        return None
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        ended.set()
    except OSError:  # no such call, or not allowed: the next look notices the end
        return None
    return None
