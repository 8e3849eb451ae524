"""Brings back an app that was removed: its instances, what it was attached to, and the variables set by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from addonkit.controller.backups.trash import attach_again
from addonkit.controller.deletion import forget_empty_app
from addonkit.controller.requests import ensure_app
from addonkit.controller.variables import associations_of, resolve_app_names
from addonkit.errors import NotFound
from addonkit.models.app import App
from addonkit.models.instance import Instance, Phase
from addonkit.models.trash import TrashedApp, TrashedInstance, blank
from addonkit.models.views import Plan

if TYPE_CHECKING:
    from addonkit.controller.controller import Controller
    from addonkit.kit.services import Services
    from addonkit.kit.trash import Trash
    from addonkit.models.instance import Association
    from addonkit.store.interface import Transaction


class AppTrash:
    """Apps that were removed. All methods raise AddonkitErrors."""

    def __init__(self, services: Services, trash: Trash, controller: Controller) -> None:
        self._store = services.store
        self._clock = services.clock
        self._registry = services.registry
        self._trash = trash
        self._controller = controller

    async def keep(self, app: str) -> None:
        """Record what an app has besides its own instances, which are kept one by one. Call it before they go."""
        period, now = self._trash.period, self._clock.now()

        def record(tx: Transaction) -> None:
            entity, before = tx.get(App, app), tx.get(TrashedApp, app)
            if entity is None:
                return
            others = [each for each in associations_of(tx, app) if not _is_own(tx, each)]
            kept = TrashedApp(app, now, now + period, entity.value.variables, tuple(map(blank, others)))
            if before is None:
                tx.create(app, kept)
            elif not _is_part(before.value, kept):  # a removal that goes on knows less than it did at first
                tx.put(before, kept)

        if period:
            await self._store.transact(record)

    async def undestroy(self, app: str) -> tuple[Instance, ...]:
        """Bring back everything of an app that was removed with it; what it has by now stays as it is.

        Raises:
            NotFound: nothing of it is in the trash.
            AlreadyExists, SagaFailed: an instance could not be brought back; the others stay where they are.
        """
        kept, found = await self._find(app)
        served = [await self._trash.undestroy(each.backup.name) for each in found]
        if kept is not None:
            for id in await self._store.transact(lambda tx: self._restore(tx, kept)):
                await self._controller.reconcile(id)
        return tuple(served)

    async def plan_undestroy(self, app: str) -> Plan:
        """Return what undestroy would do; nothing written.

        Raises:
            NotFound: nothing of it is in the trash.
            AlreadyExists: an instance has a name by now that is needed.
        """
        kept, found = await self._find(app)
        plans = [await self._trash.plan_undestroy(each.backup.name) for each in found]
        counts = {"attachments to others": len(kept.ties), "variables set by hand": len(kept.variables)} if kept else {}
        parts = [each.name for each in found] + [f"{count:,} {kind}" for kind, count in counts.items() if count]
        each = "; these steps for each instance" if len(plans) > 1 else ""
        return Plan(f"app {app} would be back, with {', '.join(parts)}{each}", plans[0].steps if plans else ())

    async def _find(self, app: str) -> tuple[TrashedApp | None, list[TrashedInstance]]:
        """Return what the trash has of an app.

        Raises:
            NotFound: nothing.
        """
        entity = await self._store.get(TrashedApp, app)
        kept = entity.value if entity else None
        found = [each for each in await self._trash.list() if each.app == app and _went_along(each, kept)]
        if kept is None and not found:
            advice = "see `addonkit trash list`"
            raise NotFound(f"cannot bring app {app} back", "the trash has nothing of it", advice)
        return kept, found

    def _restore(self, tx: Transaction, kept: TrashedApp) -> list[str]:
        """Write attachments and variables; ids of instances that the app is attached to again."""
        ensure_app(tx, kept.name)
        attached = []
        for tie in kept.ties:
            there = tx.get(Instance, tie.instance)
            taken = {each.instance for each in associations_of(tx, kept.name)}
            if there is not None and there.value.phase is Phase.ACTIVE and there.name not in taken:
                attach_again(tx, tie, there.value, kept.destroyed)
                attached.append(there.name)
        entity = tx.get(App, kept.name)
        assert entity is not None  # made above, in this transaction
        known = {each.key for each in entity.value.variables}
        variables = (*entity.value.variables, *(each for each in kept.variables if each.key not in known))
        tx.put(entity, attrs.evolve(entity.value, variables=variables))
        resolve_app_names(tx, self._registry, kept.name)
        forget_empty_app(tx, kept.name)
        tx.delete(TrashedApp, kept.name)
        return attached


def _is_own(tx: Transaction, tie: Association) -> bool:
    entity = tx.get(Instance, tie.instance)
    return entity is not None and entity.value.app == tie.app


def _is_part(before: TrashedApp, now: TrashedApp) -> bool:
    """Return whether what an app has now is what a removal that was interrupted has left of it."""
    keys = {each.key for each in now.variables} <= {each.key for each in before.variables}
    return keys and {each.id for each in now.ties} <= {each.id for each in before.ties}


def _went_along(found: TrashedInstance, app: TrashedApp | None) -> bool:
    """Return whether an instance was destroyed with its app, not before."""
    return app is None or found.destroyed >= app.destroyed
