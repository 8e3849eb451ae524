"""The sagas of backups. What an addon does is a child of theirs; places are made and removed by the controller."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from addonkit.controller.addons import addon_of
from addonkit.controller.backups.addon_calls import AddonCalls, checked_fingerprint
from addonkit.controller.backups.archives import ReadResult, archive_subject
from addonkit.controller.backups.cutover import CutoverSteps
from addonkit.controller.backups.move_steps import MoveSteps, Rehearsed
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
from addonkit.saga.saga import Saga
from addonkit.saga.step import Step, step

if TYPE_CHECKING:
    from addonkit.controller.backups.archives import Archives, StoredArchive
    from addonkit.controller.backups.shelf import Shelf
    from addonkit.controller.controller import Controller
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store
    from addonkit.util.clock import Clock

BACKUP: Final = "addonkit.backup"
VERIFY: Final = "addonkit.verify"
RESTORE: Final = "addonkit.restore"
RESTORE_INTO: Final = "addonkit.restore-into"
EXPORT: Final = "addonkit.export"
IMPORT: Final = "addonkit.import"
CLONE: Final = "addonkit.clone"
FOREIGN: Final = "addonkit.import-foreign"
UNDESTROY: Final = "addonkit.undestroy"
CHANGE: Final = "addonkit.change"
ROLLBACK: Final = "addonkit.rollback"
REHEARSE: Final = "addonkit.rehearse"
NAMES: Final = frozenset(
    {BACKUP, VERIFY, RESTORE, RESTORE_INTO, EXPORT, IMPORT, CLONE, FOREIGN, UNDESTROY, CHANGE, ROLLBACK, REHEARSE}
)


class BackupSagas:
    """Makes the sagas, whose steps work with what is given here.

    All have the inputs `id` (of the execution's own) and `backup` (a Backup). Those that read one have `place` (a
    PlaceRequest). `target` is what they are about.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        controller: Controller,
        archives: Archives,
        shelf: Shelf,
        clock: Clock,
    ) -> None:
        self._store = store
        self._registry = registry
        self._controller = controller
        self._archives = archives
        self._shelf = shelf
        self._clock = clock
        self._calls = AddonCalls(store, registry)
        filling = (self._create_place(), self._load(), self._read_end(), self._take_fingerprint(), self._compare())
        moves = MoveSteps(store, registry, archives, self._calls)
        self._of_backups(filling, moves)
        self._of_moves(filling, moves)
        self._of_cutovers(moves, CutoverSteps(store, registry, controller, self._calls, clock))

    def _of_backups(self, filling: tuple[Step, ...], moves: MoveSteps) -> None:
        """Sagas that write an archive, or fill a place from one."""
        inputs = ("id", "backup", "place")
        empty = (filling[0], moves.check_empty(), *filling[1:])
        self.backup: Saga[Backup] = Saga(BACKUP, inputs=("id", "backup"), steps=(self._write(), self._check()))
        self.verify: Saga[Backup] = Saga(
            VERIFY, inputs=inputs, steps=(*filling, self._remove_place(), self._record_proof())
        )
        self.restore: Saga[Instance] = Saga(RESTORE, inputs=(*inputs, "target"), steps=(*filling, self._switch()))
        self.restore_into: Saga[Instance] = Saga(
            RESTORE_INTO, inputs=(*inputs, "name", "owner", "alias"), steps=(*filling, self._publish())
        )
        self.undestroy: Saga[Instance] = Saga(
            UNDESTROY, inputs=(*inputs, "trash", "name"), steps=(*filling, self._bring_back())
        )
        self.export: Saga[Backup] = Saga(EXPORT, inputs=("id", "backup"), steps=(self._write(), moves.check_file()))
        self.imported: Saga[Instance] = Saga(IMPORT, inputs=(*inputs, "target"), steps=(*empty, self._switch()))

    def _of_moves(self, filling: tuple[Step, ...], moves: MoveSteps) -> None:
        """Sagas that fill a place without an archive."""
        copied = (moves.copy(), self._take_fingerprint(), moves.compare(self._clock))
        cloned = (moves.clone(), moves.take_fingerprint(), moves.compare(self._clock))
        self.clone: Saga[Instance] = Saga(
            CLONE,
            inputs=("id", "source", "place", "name", "owner", "alias", "script", "verify"),
            steps=(filling[0], *cloned, moves.transform(), self._publish()),
        )
        self.foreign: Saga[Instance] = Saga(
            FOREIGN,
            inputs=("id", "location", "place", "target"),
            steps=(filling[0], moves.check_empty(), moves.load_foreign(), self._switch()),
        )
        self.rehearse: Saga[Rehearsed] = Saga(
            REHEARSE,
            inputs=("id", "source", "place"),
            steps=(filling[0], moves.compare_facts(), *copied, self._remove_place(), moves.count()),
        )

    def _of_cutovers(self, moves: MoveSteps, cutover: CutoverSteps) -> None:
        """Sagas after which apps use another place, which they cannot write to meanwhile."""
        inputs, leave, arrive = ("id", "source", "place"), cutover.freeze(), (cutover.bind(), cutover.switch())
        copied = (moves.copy(), self._take_fingerprint(), cutover.compare())
        self.change: Saga[Instance] = Saga(
            CHANGE, inputs=inputs, steps=(self._create_place(), moves.compare_facts(), leave, *copied, *arrive)
        )
        self.rollback: Saga[Instance] = Saga(ROLLBACK, inputs=inputs, steps=(leave, cutover.thaw_place(), *arrive))

    def of(self, name: str) -> Saga[Any]:
        """The saga of that name."""
        every: Mapping[str, Saga[Any]] = {
            BACKUP: self.backup,
            VERIFY: self.verify,
            RESTORE: self.restore,
            RESTORE_INTO: self.restore_into,
            EXPORT: self.export,
            IMPORT: self.imported,
            CLONE: self.clone,
            FOREIGN: self.foreign,
            UNDESTROY: self.undestroy,
            CHANGE: self.change,
            ROLLBACK: self.rollback,
            REHEARSE: self.rehearse,
        }
        return every[name]

    def _write(self) -> Step:
        @step(gives="fingerprint", timeout=LONGEST)
        async def write_archive(sagas: Sagas, instance: Instance | None, id: str, backup: Any) -> Fingerprint:
            """Write the archive."""
            if instance is None:
                raise BackupError(f"writing backup {backup_of(backup).name}", "the instance was destroyed meanwhile")
            addon = addon_of(self._registry, instance, "back up")
            archive = backup_of(backup)
            subject = {**subject_of(instance), **archive_subject(archive.location, archive.name)}
            answer = await sagas.ensure(f"{id}/dump", addon.backup(instance), subject=subject)
            return checked_fingerprint(answer, addon.name)

        @write_archive.undo
        async def undo_write_archive(sagas: Sagas, instance: Instance | None, id: str, backup: Any) -> None:
            if instance is not None:
                with suppress(SagaRefused, SagaBlocked):
                    await sagas.undo(f"{id}/dump", addon_of(self._registry, instance).backup(instance))
            # What a repository shows is whole. One that does not answer now may keep it, as a backup on trust.
            with suppress(BackupError):
                await self._at(backup).delete()

        return write_archive

    def _check(self) -> Step:
        @step(gives="result", undo=None)
        async def check_repository(backup: Any) -> Backup:
            """Look for the archive in the repository."""
            return await self._shelf.find(backup_of(backup).name)

        return check_repository

    def _create_place(self) -> Step:
        @step(timeout=LONGEST)
        async def create_scratch(place: Any) -> None:
            """Create an empty instance for the data."""
            wanted = place_of(place)
            made = await self._store.transact(lambda tx: create_place(tx, wanted))
            reconciled = await self._controller.reconcile(made.id)
            if reconciled is None or reconciled.phase is not Phase.ACTIVE:
                reason = reconciled.message if reconciled else "it was destroyed meanwhile"
                raise BackupError("creating an empty instance for the data", reason)

        @create_scratch.undo
        async def undo_create_scratch(place: Any) -> None:
            await self._discard(place_of(place).id)

        return create_scratch

    def _load(self) -> Step:
        @step(timeout=LONGEST)
        async def load_archive(sagas: Sagas, id: str, backup: Any, place: Any) -> None:
            """Load the data from the archive."""
            instance = await moving_instance(self._store, place_of(place).id)
            archive = backup_of(backup)
            subject = {**subject_of(instance), **archive_subject(archive.location, archive.name)}
            restore = addon_of(self._registry, instance, "restore").restore(instance)
            await sagas.ensure(f"{id}/load", restore, subject=subject)

        @load_archive.undo
        async def undo_load_archive(sagas: Sagas, id: str, place: Any) -> None:
            await self._calls.undo_restore(sagas, f"{id}/load", place_of(place).id)

        return load_archive

    def _read_end(self) -> Step:
        @step(gives="read", undo=None, timeout=LONGEST)
        async def check_archive(backup: Any) -> ReadResult:
            """Check the archive up to its end."""
            return await self._at(backup).read()

        return check_archive

    def _take_fingerprint(self) -> Step:
        @step(gives="found", timeout=LONGEST)
        async def take_fingerprint(sagas: Sagas, id: str, place: Any) -> Fingerprint:
            """Take the fingerprint of the loaded data."""
            return await self._calls.take_fingerprint(sagas, f"{id}/fingerprint", place_of(place).id, again=True)

        @take_fingerprint.undo
        async def undo_take_fingerprint(sagas: Sagas, id: str, place: Any) -> None:
            await self._calls.undo_fingerprint(sagas, f"{id}/fingerprint", place_of(place).id)

        return take_fingerprint

    def _compare(self) -> Step:
        @step(gives="items", undo=None)
        async def compare(backup: Any, read: ReadResult, found: Fingerprint) -> int:
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

        return compare

    def _remove_place(self) -> Step:
        @step(undo=None, timeout=LONGEST)
        async def remove_scratch(place: Any) -> None:
            """Remove the instance again."""
            await self._discard(place_of(place).id)

        return remove_scratch

    def _record_proof(self) -> Step:
        @step(gives="result", undo=None)
        async def record_proof(backup: Any, read: ReadResult, items: int) -> Backup:
            """Record that the backup is verified."""
            proof = Proof(self._clock.now(), read.sha256, items)
            return await self._shelf.prove(await self._shelf.find(backup_of(backup).name), proof)

        return record_proof

    def _switch(self) -> Step:
        @step(gives="result", undo=None, timeout=LONGEST)
        async def switch_places(place: Any, target: str) -> Instance:
            """Let apps use the restored data."""
            now, id = self._clock.now(), place_of(place).id
            served = await self._store.transact(lambda tx: switch(tx, self._registry, id, target, now))
            return await self._controller.reconcile(served.id) or served

        return switch_places

    def _publish(self) -> Step:
        @step(gives="result", undo=None, timeout=LONGEST)
        async def publish_place(place: Any, name: str, owner: str, alias: str) -> Instance:
            """Give the restored data to the app."""
            id = place_of(place).id
            served = await self._store.transact(lambda tx: publish(tx, self._registry, id, name, owner, alias))
            return await self._controller.reconcile(served.id) or served

        return publish_place

    def _bring_back(self) -> Step:
        @step(gives="result", undo=None, timeout=LONGEST)
        async def bring_back(place: Any, trash: str, name: str) -> Instance:
            """Give the restored data to the apps that had them."""
            id, now = place_of(place).id, self._clock.now()
            served = await self._store.transact(lambda tx: take_from_trash(tx, self._registry, id, trash, name, now))
            return await self._controller.reconcile(served.id) or served

        return bring_back

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
