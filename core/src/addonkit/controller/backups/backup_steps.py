"""Steps that write archives, and fill places from them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from addonkit.controller.addons import addon_of
from addonkit.controller.backups.addon_calls import checked_fingerprint
from addonkit.controller.backups.archives import ReadResult, archive_subject
from addonkit.controller.backups.places import create_place, discard_place, publish, switch
from addonkit.controller.backups.step_values import backup_of, moving_instance, place_of
from addonkit.controller.backups.trash import bring_back as take_from_trash
from addonkit.controller.step_context import subject_of
from addonkit.errors import BackupError, DataDiffer, SagaBlocked, SagaRefused
from addonkit.models.backup import Backup, Proof
from addonkit.models.fingerprint import Fingerprint, describe_differences
from addonkit.models.instance import Instance, Phase
from addonkit.provider.server_addon.data import LONGEST
from addonkit.saga.protocol import Sagas
from addonkit.saga.step import step

if TYPE_CHECKING:
    from addonkit.controller.backups.addon_calls import AddonCalls
    from addonkit.controller.backups.archives import Archives, StoredArchive
    from addonkit.controller.backups.repository_backups import RepositoryBackups
    from addonkit.controller.controller import Controller
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store
    from addonkit.util.clock import Clock


class BackupSteps:
    """Writes, checks, restores and proves; each step works with what is given here."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        controller: Controller,
        archives: Archives,
        repository: RepositoryBackups,
        clock: Clock,
        calls: AddonCalls,
    ) -> None:
        self._store = store
        self._registry = registry
        self._controller = controller
        self._archives = archives
        self._repository = repository
        self._clock = clock
        self._calls = calls

    @step(gives="fingerprint", timeout=LONGEST)
    async def write_archive(self, sagas: Sagas, instance: Instance | None, id: str, backup: Any) -> Fingerprint:
        """Write the archive."""
        if instance is None:
            raise BackupError(f"writing backup {backup_of(backup).name}", "the instance was destroyed meanwhile")
        addon = addon_of(self._registry, instance, "back up")
        archive = backup_of(backup)
        subject = {**subject_of(instance), **archive_subject(archive.location, archive.name)}
        answer = await sagas.ensure(f"{id}/dump", addon.backup(instance), subject=subject)
        return checked_fingerprint(answer, addon.name)

    @write_archive.undo
    async def undo_write_archive(self, sagas: Sagas, instance: Instance | None, id: str, backup: Any) -> None:
        """Delete what was written."""
        if instance is not None:
            with suppress(SagaRefused, SagaBlocked):
                await sagas.undo(f"{id}/dump", addon_of(self._registry, instance).backup(instance))
        # What a repository shows is whole. One that does not answer now may keep it, as a backup on trust.
        with suppress(BackupError):
            await self._at(backup).delete()

    @step(gives="result", undo=None)
    async def check_repository(self, backup: Any) -> Backup:
        """Look for the archive in the repository."""
        return await self._repository.find(backup_of(backup).name)

    @step(timeout=LONGEST)
    async def create_scratch(self, place: Any) -> None:
        """Create an empty instance for the data."""
        wanted = place_of(place)
        made = await self._store.transact(lambda tx: create_place(tx, wanted))
        reconciled = await self._controller.reconcile(made.id)
        if reconciled is None or reconciled.phase is not Phase.ACTIVE:
            reason = reconciled.message if reconciled else "it was destroyed meanwhile"
            raise BackupError("creating an empty instance for the data", reason)

    @create_scratch.undo
    async def undo_create_scratch(self, place: Any) -> None:
        """Remove it."""
        await self._discard(place_of(place).id)

    @step(timeout=LONGEST)
    async def load_archive(self, sagas: Sagas, id: str, backup: Any, place: Any) -> None:
        """Load the data from the archive."""
        instance = await moving_instance(self._store, place_of(place).id)
        archive = backup_of(backup)
        subject = {**subject_of(instance), **archive_subject(archive.location, archive.name)}
        restore = addon_of(self._registry, instance, "restore").restore(instance)
        await sagas.ensure(f"{id}/load", restore, subject=subject)

    @load_archive.undo
    async def undo_load_archive(self, sagas: Sagas, id: str, place: Any) -> None:
        """Undo what the addon did for it."""
        await self._calls.undo_restore(sagas, f"{id}/load", place_of(place).id)

    @step(gives="read", undo=None, timeout=LONGEST)
    async def check_archive(self, backup: Any) -> ReadResult:
        """Check the archive up to its end."""
        return await self._at(backup).read()

    @step(gives="found", timeout=LONGEST)
    async def take_fingerprint(self, sagas: Sagas, id: str, place: Any) -> Fingerprint:
        """Take the fingerprint of the loaded data."""
        return await self._calls.take_fingerprint(sagas, f"{id}/fingerprint", place_of(place).id, again=True)

    @take_fingerprint.undo
    async def undo_take_fingerprint(self, sagas: Sagas, id: str, place: Any) -> None:
        """Undo what the addon did for it."""
        await self._calls.undo_fingerprint(sagas, f"{id}/fingerprint", place_of(place).id)

    @step(gives="items", undo=None)
    async def compare(self, backup: Any, read: ReadResult, found: Fingerprint) -> int:
        """Compare the data with the fingerprint in the archive."""
        differences = read.fingerprint.differences(found, self._clock.now())
        if differences:
            raise DataDiffer(
                f"restoring backup {backup_of(backup).name}",
                describe_differences(differences),
                "it does not hold what it should",
                differences=list(differences),
            )
        return found.count

    @step(undo=None, timeout=LONGEST)
    async def remove_scratch(self, place: Any) -> None:
        """Remove the instance again."""
        await self._discard(place_of(place).id)

    @step(gives="result", undo=None)
    async def record_proof(self, backup: Any, read: ReadResult, items: int) -> Backup:
        """Record that the backup is verified."""
        proof = Proof(self._clock.now(), read.sha256, items)
        return await self._repository.prove(await self._repository.find(backup_of(backup).name), proof)

    @step(gives="result", undo=None, timeout=LONGEST)
    async def switch_places(self, place: Any, target: str) -> Instance:
        """Let apps use the restored data."""
        now, id = self._clock.now(), place_of(place).id
        served = await self._store.transact(lambda tx: switch(tx, self._registry, id, target, now))
        return await self._controller.reconcile(served.id) or served

    @step(gives="result", undo=None, timeout=LONGEST)
    async def publish_place(self, place: Any, name: str, owner: str, alias: str) -> Instance:
        """Give the restored data to the app."""
        id = place_of(place).id
        served = await self._store.transact(lambda tx: publish(tx, self._registry, id, name, owner, alias))
        return await self._controller.reconcile(served.id) or served

    @step(gives="result", undo=None, timeout=LONGEST)
    async def bring_back(self, place: Any, trash: str, name: str) -> Instance:
        """Give the restored data to the apps that had them."""
        id, now = place_of(place).id, self._clock.now()
        served = await self._store.transact(lambda tx: take_from_trash(tx, self._registry, id, trash, name, now))
        return await self._controller.reconcile(served.id) or served

    def _at(self, backup: Any) -> StoredArchive:
        found = backup_of(backup)
        return self._archives.at(found.location, found.name)

    async def _discard(self, place_id: str) -> None:
        if not await self._store.transact(lambda tx: discard_place(tx, place_id)):
            return
        await self._controller.interrupt(place_id)
        left = await self._controller.reconcile(place_id)
        if left is not None:
            raise BackupError("removing the instance that data were on trial in", left.message or f"it is {left.phase}")
