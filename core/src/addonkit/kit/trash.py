"""Operations on what was destroyed: `Kit.trash`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.backups.sagas import UNDESTROY
from addonkit.controller.backups.trash import SETTING, trash_period
from addonkit.controller.lookup import is_called
from addonkit.errors import AddonkitError, AlreadyExists, BackupError, Conflict, NotFound
from addonkit.kit.app_trash import AppTrash
from addonkit.kit.temporary_start import TemporaryStart
from addonkit.models.backup_state import BackupState
from addonkit.models.identifiers import check_instance_name
from addonkit.models.instance import Association, Instance, Phase, Purpose
from addonkit.models.trash import TrashedApp, TrashedInstance, trashed
from addonkit.models.views import Plan

if TYPE_CHECKING:
    from addonkit.controller.backups.places import PlaceRequest
    from addonkit.controller.backups.service import BackupService
    from addonkit.controller.controller import Controller
    from addonkit.kit.backups import Backups
    from addonkit.kit.data_places import DataPlaces
    from addonkit.kit.operations import Keep
    from addonkit.kit.services import Services
    from addonkit.models.backup import Backup
    from addonkit.store.interface import Transaction


class Trash:
    """Destroyed instances that can be brought back. All methods raise AddonkitErrors."""

    def __init__(self, services: Services, backups: Backups, controller: Controller) -> None:
        self._services = services
        self._store = services.store
        self._clock = services.clock
        self._environ = services.backups().environ
        self._backups = backups
        self._places: DataPlaces = backups.places
        self._admission = backups.admission
        self._service: BackupService = backups.service
        self._moves = backups.moves
        self._controller = controller
        self._start = TemporaryStart(services)

    @property
    def period(self) -> timedelta:
        """Return how long what is destroyed from now on is kept; zero means not at all."""
        return trash_period(self._environ)

    def why_not(self, instance: Instance) -> str:
        """Return a clause that says why destroying an instance keeps nothing; empty when its data are kept."""
        if not self.period:
            return f"{SETTING} is {self._environ[SETTING]}"
        if instance.phase is not Phase.ACTIVE:
            return f"it is {instance.phase}"
        if instance.purpose is Purpose.SCRATCH:
            return "its data are on trial"
        return self._service.obstacle(instance)

    async def plan(self, plan: Plan, instance: Instance) -> Plan:
        """Return the plan of destroying an instance for good, changed to what happens with the trash."""
        reason = self.why_not(instance)
        if reason:
            told = () if not self.period else (f"nothing of it is kept in the trash: {reason}",)
            return attrs.evolve(plan, lost=(*plan.lost, *told))
        until = self._clock.now() + self.period
        kept = f"a verified final backup, in the trash until {until.astimezone():%Y-%m-%d %H:%M}"
        back = f"`addonkit undestroy {instance.name}` brings instance, variables and attachments back until then"
        start = ("its server, which is stopped, is started for the final backup",)
        told = start if await self._start.is_needed(instance) else ()
        steps = (*self._service.planned(verify=True), *plan.steps)
        return attrs.evolve(plan, steps=steps, lost=(), stays=(*plan.lost, *told, kept, back, *plan.stays))

    async def keep(self, instance: Instance) -> Keep | None:
        """Make the final backup of an instance and prove it; the answer puts it into the trash. None: nothing is kept.

        Raises:
            BackupError: it could not be made or proved; the instance is as it was.
        """
        if self.why_not(instance):
            return None
        attempted = f"cannot destroy {instance.name}"
        advice = f"fix that, or run `addonkit destroy {instance.name} --now`, which keeps nothing"
        async with self._start.started(instance, attempted, advice):
            try:
                backup = await self._backups.verify((await self._service.create(instance)).name)
            except AddonkitError as error:
                raise BackupError(attempted, f"its final backup failed: {error}", advice) from error
        return partial(self._put, instance_id=instance.id, backup=backup)

    async def kept(self, instance: Instance, *, drop: bool = False) -> TrashedInstance | None:
        """Return what the trash has of an instance that is being destroyed. With `drop` that is removed, for good."""
        entity = await self._store.get(TrashedInstance, instance.id)
        if entity is None or not drop:
            return entity.value if entity else None
        await self._remove(entity.value)
        return None

    @property
    def apps(self) -> AppTrash:
        """Apps that were removed."""
        return AppTrash(self._services, self, self._controller)

    async def list(self) -> tuple[TrashedInstance, ...]:
        """Return what can be brought back, oldest first."""
        await self.remove_expired()
        return await self._all()

    async def find(self, name: str, app: str | None = None) -> TrashedInstance:
        """Return what was destroyed last under that name. A final backup's name finds one that was destroyed before.

        Args:
            name: of the instance, what the app called it, or of its final backup.
            app: that it was created for or attached to.

        Raises:
            NotFound: the trash has nothing of that name.
        """
        found = [each for each in await self.list() if is_called(each, name, app)]
        if not found:
            kept = await self._backups.describe(name)
            advice = f"run `addonkit restore {name}`: there are {kept[0]}" if kept else "see `addonkit trash list`"
            raise NotFound(f"cannot bring {name} back", "the trash has nothing of that name", advice)
        return found[-1]

    async def undestroy(self, name: str, app: str | None = None, *, into: str = "") -> Instance:
        """Bring back what was destroyed: the data, the variables, and the apps that it was attached to.

        Args:
            name: see `find`.
            app: see `find`.
            into: another name for the instance.

        Raises:
            NotFound: the trash has nothing of that name.
            AlreadyExists: an instance has the name by now.
            SagaFailed: the data could not be restored; they stay in the trash.
        """
        found, new = await self._check(name, app, into)
        await self._complete(found)
        return await self._moves.undestroy(found, await self._admitted(found), new)

    async def plan_undestroy(self, name: str, app: str | None = None, *, into: str = "") -> Plan:
        """Return what undestroy would do; nothing written."""
        found, new = await self._check(name, app, into)
        await self._admitted(found)
        apps = ", ".join(sorted({each.app for each in found.ties})) or "no app"
        summary = f"{new} would be back, with the data of {found.backup.name}, attached to {apps}"
        return Plan(summary, self._moves.planned_move(UNDESTROY))

    async def delete(self, name: str, app: str | None = None) -> TrashedInstance:
        """Remove what was destroyed for good, with its final backup."""
        found = await self.find(name, app)
        await self._remove(found)
        return found

    async def plan_delete(self, name: str, app: str | None = None) -> Plan:
        """Return what delete would do; nothing written."""
        found = await self.find(name, app)
        lost = (f"all data of {found.name}, with its final backup in {found.backup.location}",)
        others = [each for each in await self._backups.list(found.name) if each.name != found.backup.name]
        stays = tuple(f"backup {each.name}" for each in others)
        return Plan(f"{found.name} would be removed from the trash", lost=lost, stays=stays)

    async def remove_expired(self) -> tuple[str, ...]:
        """Remove what is kept no longer; names of instances. What cannot be removed now is left to the next time."""
        removed = []
        for each in await self._all():
            if each.expires <= self._clock.now():
                try:
                    await self._remove(each)
                except AddonkitError:
                    continue  # its repository is not to be reached; the record stays, so it is not forgotten
                removed.append(each.name)
        await self._store.transact(lambda tx: _forget_apps(tx, self._clock.now()))
        return tuple(removed)

    async def _all(self) -> tuple[TrashedInstance, ...]:
        found = [entity.value for entity in await self._store.list(TrashedInstance)]
        return tuple(sorted(found, key=lambda each: (each.destroyed, each.id)))

    async def _remove(self, found: TrashedInstance) -> None:
        """Remove the archive, then the record: only the record knows that there is an archive to remove."""
        await self._service.delete(found.backup)
        await self._store.transact(lambda tx: _forget(tx, found.id))

    async def _check(self, name: str, app: str | None, into: str) -> tuple[TrashedInstance, str]:
        found = await self.find(name, app)
        new = check_instance_name(into) if into else found.name
        others = [e.value for e in await self._store.list(Instance, {"name": new}) if e.name != found.id]
        if others:
            advice = f"run `addonkit undestroy {name} --into NEW`"
            raise AlreadyExists(f"cannot bring {found.name} back", f"an instance {new!r} exists", advice)
        return found, new

    async def _admitted(self, found: TrashedInstance) -> PlaceRequest:
        """Return a place for what was destroyed; raises what the addon or a policy has against it."""
        place = await self._places.for_trash(found)
        self._admission.admit_back(place, found)
        return place

    async def _complete(self, found: TrashedInstance) -> None:
        """Complete the removal if that was interrupted: it has the name."""
        left = await self._controller.reconcile(found.id)
        if left is not None:
            reason = left.message or f"it is {left.phase}"
            raise BackupError(f"cannot bring {found.name} back", f"its removal is not complete: {reason}")

    def _put(self, tx: Transaction, now: Instance, *, instance_id: str, backup: Backup) -> None:
        if now.id != instance_id:
            raise Conflict(f"cannot destroy {now.name}", "another instance has this name by now")
        if now.phase is Phase.DEPROVISIONING:
            return  # another command was quicker
        ties = tuple(each.value for each in tx.list(Association, {"instance": now.id}).items)
        time = self._clock.now()
        known = tx.get(BackupState, now.id)
        kept = trashed(now, _ordered(ties), backup, time, time + self.period, known.value if known else None)
        tx.create(now.id, kept)


def _ordered(ties: Sequence[Association]) -> tuple[Association, ...]:
    return tuple(sorted(ties, key=lambda each: (each.app, each.order)))


def _forget_apps(tx: Transaction, now: datetime) -> None:
    for entity in tx.list(TrashedApp).items:
        if entity.value.expires <= now:
            tx.delete(TrashedApp, entity.name)


def _forget(tx: Transaction, id: str) -> None:
    if tx.get(TrashedInstance, id) is not None:
        tx.delete(TrashedInstance, id)
