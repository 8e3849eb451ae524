"""Moves of data: restored, imported, copied and taken to other servers, with proof before apps use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from addonkit.controller.addons import addon_of
from addonkit.controller.backups.places import PlaceRequest, former_of
from addonkit.controller.backups.service import inputs_of, steps_of
from addonkit.controller.usage import usage_of
from addonkit.errors import BackupError, InstanceFailed
from addonkit.models.identifiers import new_id
from addonkit.models.instance import Instance, Phase
from addonkit.models.views import PlannedStep
from addonkit.store.codec import unstructure

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from addonkit.controller.backups.archives import Archives
    from addonkit.controller.backups.move_steps import Rehearsed
    from addonkit.controller.backups.service import BackupService
    from addonkit.controller.controller import Controller
    from addonkit.engine.engine import Engine
    from addonkit.models.backup import Backup
    from addonkit.models.result import Usage
    from addonkit.models.secret import Secret
    from addonkit.models.trash import TrashedInstance
    from addonkit.registry.registry import Registry
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Store


class MoveService:
    """Runs the sagas that bring data into a new place, after which apps use them there."""

    def __init__(
        self,
        backups: BackupService,
        store: Store,
        registry: Registry,
        engine: Engine,
        controller: Controller,
        archives: Archives,
    ) -> None:
        self._backups = backups
        self._store = store
        self._registry = registry
        self._engine = engine
        self._controller = controller
        self._archives = archives

    def planned_restore(self, *, into: bool) -> tuple[PlannedStep, ...]:
        """Return the steps of a restore, into a new instance or in the place of one."""
        return tuple(steps_of(self._backups.sagas.restore_into if into else self._backups.sagas.restore))

    async def restore(self, backup: Backup, place: PlaceRequest, instance: Instance) -> Instance:
        """Restore into a new place, prove it there, and put it where the instance is; that becomes a former one."""
        await self._check_still(instance)
        inputs = {**inputs_of(backup, place), "target": instance.id}
        return await self._serve(self._backups.sagas.restore, inputs)

    async def restore_into(self, backup: Backup, place: PlaceRequest, name: str, alias: str) -> Instance:
        """Restore into a new instance of that name, for the app that the place is made for."""
        inputs = {**inputs_of(backup, place), "name": name, "owner": place.app, "alias": alias}
        return await self._serve(self._backups.sagas.restore_into, inputs)

    async def undestroy(self, trashed: TrashedInstance, place: PlaceRequest, name: str) -> Instance:
        """Restore what was destroyed into a new instance of that name, for the apps that had it."""
        inputs = {**inputs_of(trashed.backup, place), "trash": trashed.id, "name": name}
        return await self._serve(self._backups.sagas.undestroy, inputs)

    async def import_(self, backup: Backup, place: PlaceRequest, instance: Instance) -> Instance:
        """Restore into a new place and put it where an instance is that is empty."""
        await self._check_still(instance)
        return await self._serve(self._backups.sagas.imported, {**inputs_of(backup, place), "target": instance.id})

    async def import_foreign(self, source: Path | Secret, place: PlaceRequest, instance: Instance) -> Instance:
        """Fill a new place from data of another origin, and put it where an instance is that is empty.

        Raises:
            SagaFailed: they cannot be read or loaded; nothing has changed.
        """
        await self._check_still(instance)
        location = f"import:{new_id()}"
        inputs = {"location": location, "place": unstructure(place), "target": instance.id}
        with self._archives.foreign(location, source):
            return await self._serve(self._backups.sagas.foreign, inputs)

    def check_foreign(self, addon: str, kind: str) -> None:
        """Make sure that an addon can import data of that kind: `file`, or a scheme of URLs.

        Raises:
            BackupError: it cannot.
        """
        imports = self._registry.get(addon).definition.imports
        if kind not in imports:
            known = f"it imports {', '.join(imports)}" if imports else "it imports backups alone"
            raise BackupError(f"cannot import into {addon}", f"its data cannot come from {kind}; {known}")

    async def clone(
        self,
        instance: Instance,
        place: PlaceRequest,
        name: str,
        alias: str,
        script: str = "",
        *,
        verify: bool = False,
    ) -> Instance:
        """Copy an instance into a new one of that name, for the app that the place is made for.

        With `verify` all data are read and compared, also those that the server itself has copied.
        """
        self.check_clone(instance, script)
        told = {"name": name, "owner": place.app, "alias": alias, "script": script, "verify": verify}
        inputs = {"source": instance.id, "place": unstructure(place), **told}
        return await self._serve(self._backups.sagas.clone, inputs)

    def check_clone(self, instance: Instance, script: str) -> None:
        """Make sure that an instance can be copied, and the copy be changed by a script, if there is one.

        Raises:
            BackupError: it cannot.
        """
        self._backups.check(instance)
        if script and "transform" not in addon_of(self._registry, instance, "transform").capabilities:
            raise BackupError(f"cannot transform a copy of {instance.name}", f"addon {instance.addon} runs no scripts")

    def planned_move(self, name: str, *, without: Collection[str] = ()) -> tuple[PlannedStep, ...]:
        """Return the steps of the saga of that name, `without` those that will have nothing to do."""
        return tuple(each for each in steps_of(self._backups.sagas.of(name)) if each.name not in without)

    async def change(self, instance: Instance, place: PlaceRequest) -> Instance:
        """Move an instance into a new place, and let apps use that.

        Raises:
            SagaFailed: the data cannot be moved, or differ; apps use what they used before.
        """
        self._backups.check(instance)
        await self._check_still(instance)
        inputs = {"source": instance.id, "place": unstructure(place)}
        return await self._serve(self._backups.sagas.change, inputs)

    async def rehearse(self, instance: Instance, place: PlaceRequest) -> Rehearsed:
        """Copy an instance into a new place, compare, and remove that."""
        self._backups.check(instance)
        inputs = {"source": instance.id, "place": unstructure(place)}
        tried: Rehearsed = await self._backups.run(self._backups.sagas.rehearse, inputs, {})
        return tried

    async def rollback(self, instance: Instance) -> Instance:
        """Put the former instance back; what serves now becomes the former one.

        Raises:
            BackupError: there is none.
        """
        former = await self.former_of(instance)
        await self._check_still(instance)
        there = PlaceRequest(former.id, former.addon, former.app, former.variant, former.distribution, former.config)
        inputs = {"source": instance.id, "place": unstructure(there)}
        return await self._serve(self._backups.sagas.rollback, inputs, keeping=former.id)

    async def former(self, instance: Instance) -> Instance | None:
        """Return the instance whose place another one has taken; None without one."""
        return await self._store.read(lambda tx: former_of(tx, instance))

    async def former_of(self, instance: Instance) -> Instance:
        """Return the instance that a rollback puts back.

        Raises:
            BackupError: there is none.
        """
        former = await self.former(instance)
        if former is None:
            raise BackupError(f"cannot roll {instance.name} back", "nothing took its place")
        return former

    async def usage(self, instance: Instance) -> Usage | None:
        """Return how much an instance holds; None when its addon cannot tell."""
        return await usage_of(self._registry, self._engine, instance)

    async def _check_still(self, instance: Instance) -> None:
        hindered = await self._backups.cleanup.finish_move(instance) if instance.moving else ""
        if hindered:
            raise BackupError(f"cannot move {instance.name}", hindered)

    async def _serve(self, saga: Saga[Instance], inputs: dict[str, Any], *, keeping: str = "") -> Instance:
        """Run a saga after which apps use other data, and make sure that they can.

        Raises:
            InstanceFailed: the data are there, and an app has no credentials for them.
        """
        served: Instance = await self._backups.run(saga, inputs, {}, keeping=keeping)
        for tie in await self._controller.associations(served.id):
            if tie.phase is Phase.ERROR:
                attempted, advice = f"giving {served.name} to {tie.app}", f"run `addonkit retry {served.name}`"
                found = f"the data are there, and it has no credentials for them: {tie.message}"
                cause = self._controller.cause(served.id)
                raise InstanceFailed(attempted, found, advice, instance=served.name) from cause
        return served
