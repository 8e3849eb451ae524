"""Removes unneeded records: executions that finished long ago, leases without a holder."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import attrs

from addonkit.controller.execution_ids import is_once
from addonkit.engine.retention import Retention, sweep
from addonkit.errors import AddonkitError, StoreUnavailable
from addonkit.models.execution import Execution
from addonkit.models.instance import Association, Instance, Server
from addonkit.models.maintenance_task import MaintenanceTask
from addonkit.provider.server_sagas import ensure_id, removal_id

if TYPE_CHECKING:
    from addonkit.store.interface import Store, Transaction
    from addonkit.store.leases import Leases
    from addonkit.util.clock import Clock

EVERY: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=7)
"""How long an execution is kept after its end, when what it served is gone."""
ASKED: Final = timedelta(hours=1)
"""How long one is kept that was run once and for all, as a question to a server is."""
PAGES: Final = 5
"""Pages of executions that are looked at each time, so that no command is kept waiting."""

_NAME: Final = "sweep"
_ROLES: Final = ("association", "server", "instance")
"""What an execution may serve; it is kept for the first that its subject names."""

_log = logging.getLogger(__name__)


class GarbageCollector:
    """Sweeps once an hour, a bounded part each time, as part of any command."""

    def __init__(self, store: Store, leases: Leases, clock: Clock) -> None:
        self._store = store
        self._leases = leases
        self._clock = clock
        self._due: datetime | None = None

    async def collect(self) -> None:
        """Sweep if it is due. What fails is logged and left to the next: the user did not ask for it."""
        try:
            if await self._is_due():
                await self._sweep()
        except StoreUnavailable as error:  # whatever is asked of the state next says so
            _log.info("the state was not swept: %s", error)
        except AddonkitError as error:
            _log.warning("the state was not swept: %s", error)

    async def _is_due(self) -> bool:
        now = self._clock.now()
        if self._due is not None and now < self._due <= now + EVERY:
            return False
        chore = await self._store.get(MaintenanceTask, _NAME)
        self._due = chore.value.due if chore else None
        if self._due is not None and self._due > now:
            return False
        return await self._store.transact(lambda tx: _take(tx, self._clock.now()))

    async def _sweep(self) -> None:
        chore = await self._store.get(MaintenanceTask, _NAME)
        position = chore.value.position if chore else ""
        swept = await sweep(self._store, self._clock.now(), await self._lasting(), after=position, pages=PAGES)
        await self._store.transact(lambda tx: _leave_at(tx, swept.next))
        leases = await self._leases.sweep()
        _log.debug("swept %d executions and %d leases", swept.count, leases)

    async def _lasting(self) -> Retention:
        """Return how long each execution is kept: as long as what it serves is there, and a time after that."""
        servers = {entity.name for entity in await self._store.list(Server)}
        living = {entity.name for kind in (Instance, Association) for entity in await self._store.list(kind)} | servers
        named = {make(server) for server in servers for make in (ensure_id, removal_id)}

        def lasting(execution: Execution) -> timedelta | None:
            if is_once(execution.id):
                return ASKED
            return None if execution.id in named or serves(execution) in living else KEPT

        return lasting


def serves(execution: Execution) -> str:
    """Return id of what an execution serves: an association, a server or an instance; empty when it serves none."""
    return next((execution.subject[role] for role in _ROLES if execution.subject.get(role)), "")


def _take(tx: Transaction, now: datetime) -> bool:
    """Return whether the work is due and now ours. In a new home nothing is old yet."""
    entity = tx.get(MaintenanceTask, _NAME)
    if entity is None:
        tx.create(_NAME, MaintenanceTask(_NAME, now + EVERY))
        return False
    if entity.value.due > now:
        return False
    tx.put(entity, attrs.evolve(entity.value, due=now + EVERY))
    return True


def _leave_at(tx: Transaction, position: str) -> None:
    entity = tx.get(MaintenanceTask, _NAME)
    if entity is not None:
        tx.put(entity, attrs.evolve(entity.value, position=position))
