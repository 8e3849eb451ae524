"""Backups of instances: written, proved, exported, deleted. What was interrupted before is undone first."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from addonkit.archive.names import archive_path, new_backup_name
from addonkit.controller.addons import addon_of
from addonkit.controller.backups import outcomes
from addonkit.controller.backups.archives import location_of
from addonkit.controller.backups.cleanup import Cleanup
from addonkit.controller.backups.places import PlaceRequest
from addonkit.controller.backups.repository_backups import RepositoryBackups
from addonkit.controller.backups.sagas import BackupSagas
from addonkit.controller.execution_ids import BACKUPS
from addonkit.controller.step_context import subject_of
from addonkit.errors import AddonkitError, BackupError
from addonkit.models.backup import ArchiveManifest, Backup
from addonkit.models.identifiers import new_id
from addonkit.models.instance import Instance, Phase
from addonkit.models.views import PlannedStep
from addonkit.store.codec import unstructure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime

    from addonkit.controller.backups.archives import Archives, StoredArchive
    from addonkit.controller.controller import Controller
    from addonkit.engine.engine import Engine
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
        self._archives = archives
        self._clock = clock
        self.repository = repository
        self.sagas = BackupSagas(store, registry, controller, archives, repository, clock)
        self.cleanup = Cleanup(store, registry, engine, leases, controller, self.sagas, clock)

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
            made: Backup = await self.run(self.sagas.backup, inputs, subject_of(instance))
        await self._store.transact(lambda tx: outcomes.record_written(tx, instance.id, made))
        return made

    async def verify(self, backup: Backup, place: PlaceRequest) -> Backup:
        """Restore a backup into an instance of its own, compare, and remove that.

        Raises:
            SagaFailed: it cannot be restored, or the data differ; the reason is in the message.
        """
        async with self._recorded(backup.instance):
            proved: Backup = await self.run(self.sagas.verify, inputs_of(backup, place), {})
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
        sagas = (self.sagas.backup, *((self.sagas.verify,) if verify else ()))
        return tuple(step for saga in sagas for step in steps_of(saga))

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
        made: Backup = await self.run(self.sagas.export, {"backup": unstructure(wanted)}, subject_of(instance))
        return made

    async def run(self, saga: Any, inputs: dict[str, Any], subject: dict[str, str], *, keeping: str = "") -> Any:
        """Undo what was interrupted, remove what is kept no longer but `keeping`, then run a saga."""
        await self.cleanup.clean_up(keeping=keeping)
        id = f"{BACKUPS}{new_id()}"
        return await self._engine.ensure(id, saga.bind(id=id, **inputs), subject=subject)


def steps_of(saga: Saga[Any]) -> Iterator[PlannedStep]:
    """Return the steps of a saga, as a plan shows them."""
    return (PlannedStep(saga.name, step.name, step.title) for step in saga.steps)


def inputs_of(backup: Backup, place: PlaceRequest) -> dict[str, Any]:
    """Return the inputs of a saga that loads a backup into a place."""
    return {"backup": unstructure(backup), "place": unstructure(place)}
