"""Keeps a whole home as it should be, until it is stopped: servers run, and what was begun is completed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from addonkit.controller.decide import Action, decide
from addonkit.controller.health_monitor import HealthMonitor
from addonkit.controller.pools import reason_of
from addonkit.controller.server_keeper import Report, ServerKeeper
from addonkit.errors import AddonkitError, StoreError
from addonkit.models.compute import Pool
from addonkit.models.instance import Association, Instance, Phase, Server, ServerPhase

if TYPE_CHECKING:
    from addonkit.compute.interface import Backend
    from addonkit.controller.controller import Controller
    from addonkit.controller.pools import PoolReconciler
    from addonkit.controller.power import ServerPower
    from addonkit.store.interface import Reader, Store
    from addonkit.util.clock import Clock

LOOK_EVERY: Final = 30.0
"""Seconds between looks at everything, whether or not something was seen to change."""

SETTLE: Final = 0.2
"""Seconds that changes are gathered: a command writes several in a row, and mostly completes its work itself."""

SWEEP_EVERY: Final = 600.0
"""Seconds between looks for what is not needed any more. The sweep itself is done at most once an hour."""

_UNSETTLED: Final = (Phase.PENDING, Phase.PROVISIONING, Phase.ERROR, Phase.DEPROVISIONING)


class Keeper:
    """Runs for as long as a home is served. Several of them on one home share the work: leases tell who does what.

    Args:
        report: called with each thing that was done, a sentence.
        fix: undoes what keeps apps from their data since it was interrupted.
        duties: what else is kept up beside that, without end.
    """

    def __init__(
        self,
        store: Store,
        backend: Backend,
        pools: PoolReconciler,
        power: ServerPower,
        controller: Controller,
        clock: Clock,
        report: Report,
        fix: Callable[[], Awaitable[object]],
        duties: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
    ) -> None:
        self._duties = duties
        self._store = store
        self._backend = backend
        self._pools = pools
        self._power = power
        self._monitor = HealthMonitor(backend, clock)
        self._controller = controller
        self._clock = clock
        self._report = report
        self._fix = fix
        self._changed = asyncio.Event()
        self._servers: dict[str, ServerKeeper] = {}
        self._working: dict[str, tuple[int, ...]] = {}
        """Instances that are worked on or were: what they looked like then. They are not tried again as long as
        nothing about them changes."""
        self._busy: set[str] = set()
        self._restarts: Counter[str] = Counter()

    async def run(self) -> None:
        """Keep everything until the task is cancelled. Servers stay as they are then.

        Raises:
            StoreError: the state cannot be used any more.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch())
                group.create_task(self._sweep())
                group.create_task(self._carry_on(lambda: self._monitor.run(self._servers)))
                group.create_task(self._fix_often())
                for duty in self._duties:
                    group.create_task(self._carry_on(duty))
                while True:
                    self._changed.clear()
                    await self._look(group.create_task)
                    await self._wait()
        except ExceptionGroup as failed:  # `except*` may raise another group
            if failed.split(StoreError)[1] is not None:
                raise
            raise _first_of(failed) from None

    @property
    def restarts(self) -> dict[str, int]:
        """Return how often each server was started again or restarted by this keeper."""
        return dict(self._restarts + Counter({name: server.restarts for name, server in self._servers.items()}))

    def wake(self) -> None:
        """Wake up and look at everything now."""
        self._changed.set()
        for server in self._servers.values():
            server.wake()

    async def _look(self, begin: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        for entity in await self._store.list(Server, {"phase": ServerPhase.ACTIVE}):
            if entity.name not in self._servers:
                self._servers[entity.name] = self._keeper(entity.name)
                begin(self._keep(entity.name))
        for instance_id, state in await self._store.read(lambda tx: _unreconciled(tx, self._clock.now())):
            if instance_id not in self._busy and self._working.get(instance_id) != state:
                self._busy.add(instance_id)
                self._working[instance_id] = state
                begin(self._complete(instance_id))

    def _keeper(self, server_id: str) -> ServerKeeper:
        return ServerKeeper(server_id, self._store, self._backend, self._pools, self._power, self._clock, self._report)

    async def _keep(self, server_id: str) -> None:
        try:
            await self._servers[server_id].run()
        except Exception as error:  # noqa: BLE001 - one server's; the next look at everything begins again
            self._report(f"server {server_id} cannot be looked at: {reason_of(error)}")
        finally:
            self._restarts[server_id] += self._servers.pop(server_id).restarts

    async def _complete(self, instance_id: str) -> None:
        """Carry out what is left to do for an instance; a command that does so already is waited for."""
        try:
            instance = await self._controller.reconcile(instance_id)
        except Exception as error:  # noqa: BLE001 - one instance's failure, whatever it is, is not that of the others
            self._report(f"instance {instance_id} cannot be worked on: {reason_of(error)}")
            return
        finally:
            self._busy.discard(instance_id)
        if instance is None:
            self._working.pop(instance_id, None)
            return
        failures = await self._controller.failures(instance)
        self._report(f"{instance.name} is {instance.phase}{': ' + '; '.join(failures) if failures else ''}")

    async def _watch(self) -> None:
        """Notice changes, also those of other processes."""
        async with aclosing(self._store.watch(Server, Pool, Instance, Association)) as changes:
            async for change in changes:
                self._changed.set()
                if change.name in self._servers:
                    self._servers[change.name].wake()

    async def _carry_on(self, duty: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Keep something up; one that fails begins again after a while, and ends nothing else."""
        while True:
            try:
                await duty()
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - of one duty, which is not that of the others
                self._report(f"a failure, tried again in {LOOK_EVERY:g} seconds: {reason_of(error)}")
            await self._clock.sleep(LOOK_EVERY)

    async def _sweep(self) -> None:
        while True:
            await self._controller.collect_garbage()
            await self._pools.remove_abandoned()
            await self._clock.sleep(SWEEP_EVERY)

    async def _fix_often(self) -> None:
        while True:
            try:
                await self._fix()
            except StoreError:
                raise
            except AddonkitError as error:
                self._report(f"an interrupted move cannot be undone: {reason_of(error)}")
            await self._clock.sleep(LOOK_EVERY)

    async def _wait(self) -> None:
        """Wait for a change, and then until the changes pause; at most LOOK_EVERY."""
        try:
            async with asyncio.timeout(LOOK_EVERY):
                await self._changed.wait()
        except TimeoutError:
            return
        await asyncio.sleep(SETTLE)


def _unreconciled(tx: Reader, now: datetime) -> list[tuple[str, tuple[int, ...]]]:
    """Return instances for which something is to be done now, and the revisions that say so."""
    wanted = {e.name for phase in _UNSETTLED for e in tx.list(Instance, {"phase": phase}).items}
    wanted |= {e.name for e in tx.list(Instance, {"is_changing": True}).items}
    moving = (Phase.PENDING, Phase.DEPROVISIONING)
    wanted |= {e.value.instance for phase in moving for e in tx.list(Association, {"phase": phase}).items}
    found = []
    for instance_id in sorted(wanted):
        entity = tx.get(Instance, instance_id)
        if entity is None:
            continue
        ties = tx.list(Association, {"instance": instance_id}).items
        if decide(entity.value, [tie.value for tie in ties], now).action not in {Action.NOTHING, Action.WAIT}:
            found.append((instance_id, (entity.revision, *(tie.revision for tie in ties))))
    return found


def _first_of(failed: Exception) -> Exception:
    """Return the first error of a group, whatever groups are in it."""
    while isinstance(failed, ExceptionGroup):
        failed = failed.exceptions[0]
    return failed
