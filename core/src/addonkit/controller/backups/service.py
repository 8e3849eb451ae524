"""Backups and moves of instances: made, proved, restored, copied. What was interrupted before is undone first."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from addonkit.archive.names import archive_path, new_backup_name
from addonkit.controller.addons import addon_of
from addonkit.controller.backups import outcomes
from addonkit.controller.backups.archives import location_of
from addonkit.controller.backups.cleanup import Cleanup
from addonkit.controller.backups.places import PlaceRequest, former_of
from addonkit.controller.backups.repository_backups import RepositoryBackups
from addonkit.controller.backups.sagas import BackupSagas
from addonkit.controller.execution_ids import BACKUPS
from addonkit.controller.step_context import subject_of
from addonkit.controller.usage import usage_of
from addonkit.errors import AddonkitError, BackupError, InstanceFailed
from addonkit.models.backup import ArchiveManifest, Backup
from addonkit.models.identifiers import new_id
from addonkit.models.instance import Instance, Phase
from addonkit.models.views import PlannedStep
from addonkit.store.codec import unstructure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterator
    from datetime import datetime
    from pathlib import Path

    from addonkit.controller.backups.archives import Archives, StoredArchive
    from addonkit.controller.backups.move_steps import Rehearsed
    from addonkit.controller.controller import Controller
    from addonkit.engine.engine import Engine
    from addonkit.models.result import Usage
    from addonkit.models.secret import Secret
    from addonkit.models.trash import TrashedInstance
    from addonkit.registry.registry import Registry
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Store
    from addonkit.store.leases import Leases
    from addonkit.util.clock import Clock


class BackupService:
    """Runs the sagas of backups."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        engine: Engine,
        leases: Leases,
        controller: Controller,
        archives: Archives,
        repository: RepositoryBackups,
        clock: Clock,
    ) -> None:
        self._store = store
        self._registry = registry
        self._engine = engine
        self._controller = controller
        self._archives = archives
        self._clock = clock
        self.repository = repository
        self._sagas = BackupSagas(store, registry, controller, archives, repository, clock)
        self.cleanup = Cleanup(store, registry, engine, leases, controller, self._sagas, clock)

    def now(self) -> datetime:
        """Return the time of day."""
        return self._clock.now()

    def check(self, instance: Instance) -> None:
        """Make sure that an instance can be backed up.

        Raises:
            BackupError: it has nothing to back up, its addon cannot do it, or it is not active.
        """
        attempted = f"cannot back up {instance.name}"
        obstacle = self.obstacle(instance)
        if obstacle:
            raise BackupError(attempted, obstacle)
        if instance.phase is not Phase.ACTIVE:
            raise BackupError(attempted, f"it is {instance.phase}", f"run `addonkit retry {instance.name}`")

    def obstacle(self, instance: Instance) -> str:
        """Return why no instance of that addon and variant can be backed up, a clause; empty when it can be."""
        addon = addon_of(self._registry, instance, "back up")
        if any(each.is_cache for each in addon.definition.variants if each.name == instance.variant):
            return f"{addon.name}:{instance.variant} is a cache, which has nothing to back up"
        missing = {"backup", "restore", "fingerprint"} - addon.capabilities
        return f"addon {addon.name} cannot dump, load and compare its data" if missing else ""

    async def create(self, instance: Instance) -> Backup:
        """Write a backup; it is not verified yet.

        Raises:
            BackupError, SagaFailed: it could not be written; nothing that looks like a backup stays.
        """
        self.check(instance)
        name = new_backup_name(instance.name, self._clock.now())
        location = location_of(self.repository.url, name, instance.addon)
        wanted = Backup(name, instance.addon, self._clock.now(), 0, location)
        inputs = {"backup": unstructure(wanted)}
        async with self._recorded(instance.name):
            made: Backup = await self._run(self._sagas.backup, inputs, subject_of(instance))
        await self._store.transact(lambda tx: outcomes.record_written(tx, instance.id, made))
        return made

    async def verify(self, backup: Backup, place: PlaceRequest) -> Backup:
        """Restore a backup into an instance of its own, compare, and remove that.

        Raises:
            SagaFailed: it cannot be restored, or the data differ; the reason is in the message.
        """
        async with self._recorded(backup.instance):
            proved: Backup = await self._run(self._sagas.verify, _inputs(backup, place), {})
        await self._store.transact(lambda tx: outcomes.record_proved(tx, proved))
        return proved

    @asynccontextmanager
    async def _recorded(self, name: str) -> AsyncIterator[None]:
        """Record a failure within the block for the instance of that name."""
        try:
            yield
        except AddonkitError as error:
            reason = str(error)
            await self._store.transact(lambda tx: outcomes.record_failed(tx, name, reason))
            raise

    def archive(self, backup: Backup) -> StoredArchive:
        """Return the archive of a backup."""
        return self._archives.at(backup.location, backup.name)

    async def manifest(self, backup: Backup, key: str = "") -> ArchiveManifest:
        """Return what a backup says about itself; `key` is an age identity besides those that are known."""
        return await self.archive(backup).read_manifest(key)

    def planned(self, *, verify: bool) -> tuple[PlannedStep, ...]:
        """Return the steps of a new backup."""
        sagas = (self._sagas.backup, *((self._sagas.verify,) if verify else ()))
        return tuple(step for saga in sagas for step in _steps(saga))

    def planned_restore(self, *, into: bool) -> tuple[PlannedStep, ...]:
        """Return the steps of a restore, into a new instance or in the place of one."""
        return tuple(_steps(self._sagas.restore_into if into else self._sagas.restore))

    async def restore(self, backup: Backup, place: PlaceRequest, instance: Instance) -> Instance:
        """Restore into a new place, prove it there, and put it where the instance is; that becomes a former one."""
        await self._check_still(instance)
        inputs = {**_inputs(backup, place), "target": instance.id}
        return await self._serve(self._sagas.restore, inputs)

    async def restore_into(self, backup: Backup, place: PlaceRequest, name: str, alias: str) -> Instance:
        """Restore into a new instance of that name, for the app that the place is made for."""
        inputs = {**_inputs(backup, place), "name": name, "owner": place.app, "alias": alias}
        return await self._serve(self._sagas.restore_into, inputs)

    async def undestroy(self, trashed: TrashedInstance, place: PlaceRequest, name: str) -> Instance:
        """Restore what was destroyed into a new instance of that name, for the apps that had it."""
        inputs = {**_inputs(trashed.backup, place), "trash": trashed.id, "name": name}
        return await self._serve(self._sagas.undestroy, inputs)

    async def delete(self, backup: Backup) -> None:
        """Delete a backup from the repository that it was written to. Does nothing if it does not exist."""
        url = backup.location.removesuffix(f"/{archive_path(backup.name, backup.addon)}")
        await (self.repository if url == self.repository.url else RepositoryBackups(url)).delete(backup)

    async def export(self, instance: Instance, location: str) -> Backup:
        """Write an archive of an instance into a file of the user's, and read it up to its end.

        Raises:
            BackupError, SagaFailed: it could not be written; no half of it stays.
        """
        self.check(instance)
        name = new_backup_name(instance.name, self._clock.now())
        wanted = Backup(name, instance.addon, self._clock.now(), 0, location)
        made: Backup = await self._run(self._sagas.export, {"backup": unstructure(wanted)}, subject_of(instance))
        return made

    async def import_(self, backup: Backup, place: PlaceRequest, instance: Instance) -> Instance:
        """Restore into a new place and put it where an instance is that is empty."""
        await self._check_still(instance)
        return await self._serve(self._sagas.imported, {**_inputs(backup, place), "target": instance.id})

    async def import_foreign(self, source: Path | Secret, place: PlaceRequest, instance: Instance) -> Instance:
        """Fill a new place from data of another origin, and put it where an instance is that is empty.

        Raises:
            SagaFailed: they cannot be read or loaded; nothing has changed.
        """
        await self._check_still(instance)
        location = f"import:{new_id()}"
        inputs = {"location": location, "place": unstructure(place), "target": instance.id}
        with self._archives.foreign(location, source):
            return await self._serve(self._sagas.foreign, inputs)

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
        return await self._serve(self._sagas.clone, inputs)

    def check_clone(self, instance: Instance, script: str) -> None:
        """Make sure that an instance can be copied, and the copy be changed by a script, if there is one.

        Raises:
            BackupError: it cannot.
        """
        self.check(instance)
        if script and "transform" not in addon_of(self._registry, instance, "transform").capabilities:
            raise BackupError(f"cannot transform a copy of {instance.name}", f"addon {instance.addon} runs no scripts")

    def planned_move(self, name: str, *, without: Collection[str] = ()) -> tuple[PlannedStep, ...]:
        """Return the steps of the saga of that name, `without` those that will have nothing to do."""
        return tuple(each for each in _steps(self._sagas.of(name)) if each.name not in without)

    async def change(self, instance: Instance, place: PlaceRequest) -> Instance:
        """Move an instance into a new place, and let apps use that.

        Raises:
            SagaFailed: the data cannot be moved, or differ; apps use what they used before.
        """
        self.check(instance)
        await self._check_still(instance)
        inputs = {"source": instance.id, "place": unstructure(place)}
        return await self._serve(self._sagas.change, inputs)

    async def rehearse(self, instance: Instance, place: PlaceRequest) -> Rehearsed:
        """Copy an instance into a new place, compare, and remove that."""
        self.check(instance)
        inputs = {"source": instance.id, "place": unstructure(place)}
        tried: Rehearsed = await self._run(self._sagas.rehearse, inputs, {})
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
        return await self._serve(self._sagas.rollback, inputs, keeping=former.id)

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
        hindered = await self.cleanup.finish_move(instance) if instance.moving else ""
        if hindered:
            raise BackupError(f"cannot move {instance.name}", hindered)

    async def _serve(self, saga: Saga[Instance], inputs: dict[str, Any], *, keeping: str = "") -> Instance:
        """Run a saga after which apps use other data, and make sure that they can.

        Raises:
            InstanceFailed: the data are there, and an app has no credentials for them.
        """
        served: Instance = await self._run(saga, inputs, {}, keeping=keeping)
        for tie in await self._controller.associations(served.id):
            if tie.phase is Phase.ERROR:
                attempted, advice = f"giving {served.name} to {tie.app}", f"run `addonkit retry {served.name}`"
                found = f"the data are there, and it has no credentials for them: {tie.message}"
                cause = self._controller.cause(served.id)
                raise InstanceFailed(attempted, found, advice, instance=served.name) from cause
        return served

    async def _run(self, saga: Any, inputs: dict[str, Any], subject: dict[str, str], *, keeping: str = "") -> Any:
        await self.cleanup.clean_up(keeping=keeping)
        id = f"{BACKUPS}{new_id()}"
        return await self._engine.ensure(id, saga.bind(id=id, **inputs), subject=subject)


def _steps(saga: Saga[Any]) -> Iterator[PlannedStep]:
    return (PlannedStep(saga.name, step.name, step.title) for step in saga.steps)


def _inputs(backup: Backup, place: PlaceRequest) -> dict[str, Any]:
    return {"backup": unstructure(backup), "place": unstructure(place)}
