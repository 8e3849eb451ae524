"""Numbers for Prometheus: what there is, read when they are asked for, and what happened since the service began."""

from __future__ import annotations

import asyncio
from collections import Counter as Counts
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import Metric

from addonkit.errors import AddonkitError
from addonkit.models.instance import Phase
from addonkit.models.result import Usage
from addonkit.server.metric_families import FAMILIES, counter, gauge
from addonkit.util.concurrency import end
from addonkit.util.connections import count_connections

if TYPE_CHECKING:
    from addonkit.kit.kit import Kit
    from addonkit.models.backup import Backup
    from addonkit.models.execution import Event
    from addonkit.models.operation import Operation
    from addonkit.models.views import InstanceView

SIZES_EVERY: Final = 300.0
"""Seconds between questions to addons how much their instances hold."""

BACKUPS_EVERY: Final = 60.0
"""Seconds between looks at the repository."""

BACKUPS_WITHIN: Final = 10.0
"""Seconds in which a repository answers; else what was known before is shown."""

BUCKETS: Final = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000)
"""Seconds that operations take."""


class Metrics:
    """Gathers numbers.

    Attributes:
        ended_count: operations that ended since the service began.

    Args:
        kit: what is looked at.
        restarts: gives how often each server was restarted.
    """

    def __init__(self, kit: Kit, restarts: Callable[[], Mapping[str, int]] = dict) -> None:
        self._kit = kit
        self._restarts = restarts
        self._sizes: dict[str, Usage] = {}
        self._backups: tuple[Backup, ...] = ()
        self._looked = float("-inf")
        self.ended_count = 0
        self._registry = CollectorRegistry()
        _, text, labels = FAMILIES["addonkit_operation_seconds"]
        self._operations = Histogram(
            "addonkit_operation_seconds", text, labels, buckets=BUCKETS, registry=self._registry
        )
        _, text, labels = FAMILIES["addonkit_saga_events"]
        self._events = Counter("addonkit_saga_events", text, labels, registry=self._registry)

    @property
    def sizes(self) -> Mapping[str, Usage]:
        """Return what instances held when they were asked last, by id."""
        return self._sizes

    @property
    def restarts(self) -> Mapping[str, int]:
        """Return how often each server was started again since the service began."""
        return self._restarts()

    def take(self, event: Event) -> None:
        """Count an event."""
        self._events.labels(event.saga, str(event.kind)).inc()

    def ended(self, operation: Operation) -> None:
        """Count an operation that has ended."""
        self.ended_count += 1
        if operation.created and operation.finished:
            took = (operation.finished - operation.created).total_seconds()
            self._operations.labels(operation.verb, str(operation.state)).observe(took)

    @asynccontextmanager
    async def measuring(self) -> AsyncIterator[None]:
        """Ask again and again how much instances hold, while the block lasts."""
        task = asyncio.create_task(self._measure())
        try:
            yield
        finally:
            await end(task)

    async def text(self) -> bytes:
        """Return all numbers in the text format of Prometheus."""
        views = await self._kit.instances()
        running = len(await self._kit.operation_log.list(running=True))
        await self._look_for_backups()
        now = self._kit.operation_log.now().timestamp()
        found = [
            *_states(views),
            *_connections(views),
            *self._held(views),
            *_backups(self._backups, now),
            *self._activity(running),
        ]
        return generate_latest(self._registry) + generate_latest(_Once(found))

    async def _measure(self) -> None:
        while True:
            with suppress(AddonkitError):  # the state may be busy; whatever is asked of it next says more
                await self._measure_once()
            await asyncio.sleep(SIZES_EVERY)

    async def _measure_once(self) -> None:
        views = await self._kit.instances()
        living = {view.instance.id for view in views}
        self._sizes = {id: usage for id, usage in self._sizes.items() if id in living}
        for view in filter(_serves, views):
            with suppress(AddonkitError, TimeoutError):
                usage = await self._kit.usage(view.instance.name)
                if usage is not None:
                    self._sizes[view.instance.id] = usage

    async def _look_for_backups(self) -> None:
        if monotonic() - self._looked < BACKUPS_EVERY:
            return
        self._looked = monotonic()
        with suppress(AddonkitError, TimeoutError):
            async with asyncio.timeout(BACKUPS_WITHIN):
                self._backups = await self._kit.backups.list()

    def _held(self, views: Iterable[InstanceView]) -> Iterable[Metric]:
        size, count = gauge("addonkit_instance_bytes"), gauge("addonkit_instance_objects")
        for view in views:
            usage = self._sizes.get(view.instance.id)
            if usage is not None:
                size.add_metric(_names(view), usage.bytes)
                count.add_metric(_names(view), usage.objects)
        return (size, count)

    def _activity(self, running: int) -> Iterable[Metric]:
        now = gauge("addonkit_operations_running")
        now.add_metric([], running)
        yield now
        restarts = counter("addonkit_server_restarts")
        for server, times in self._restarts().items():
            restarts.add_metric([server], times)
        yield restarts


class _Once(CollectorRegistry):
    """Numbers that were just gathered."""

    def __init__(self, found: Iterable[Metric]) -> None:
        super().__init__()
        self._found = found

    def collect(self) -> Iterable[Metric]:
        """See CollectorRegistry."""
        return self._found


def _names(view: InstanceView) -> tuple[str, str, str]:
    return view.instance.name, view.instance.addon, view.instance.app


def _serves(view: InstanceView) -> bool:
    return view.instance.phase is Phase.ACTIVE and view.server_state in {"", "running"}


def _states(views: Iterable[InstanceView]) -> Iterable[Metric]:
    up, apps, states = gauge("addonkit_up"), gauge("addonkit_instance_apps"), gauge("addonkit_instances")
    counts: Counts[tuple[str, str, str]] = Counts()
    for view in views:
        instance = view.instance
        counts[instance.addon, instance.variant, str(instance.phase)] += 1
        up.add_metric(_names(view), float(_serves(view)))
        apps.add_metric(_names(view), len(view.associations))
    for labels, count in counts.items():
        states.add_metric(labels, count)
    return (up, apps, states)


def _connections(views: Iterable[InstanceView]) -> Iterable[Metric]:
    ports = {view.server.id: view.address.port for view in views if view.server and view.address}
    found = count_connections(set(ports.values()))
    family = gauge("addonkit_server_connections")
    for server, port in ports.items():
        family.add_metric([server], found[port])
    yield family


def _backups(backups: Iterable[Backup], now: float) -> Iterable[Metric]:
    age, verified = gauge("addonkit_backup_age_seconds"), gauge("addonkit_backup_verified_age_seconds")
    newest = {each.instance: each for each in backups}  # they are sorted by time
    proved = {each.instance: each for each in backups if each.proof}
    for name, backup in newest.items():
        age.add_metric([name], now - backup.created.timestamp())
    for name, backup in proved.items():
        verified.add_metric([name], now - backup.created.timestamp())
    return (age, verified)
