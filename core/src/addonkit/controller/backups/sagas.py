"""The sagas of backups. What an addon does is a child of theirs; places are made and removed by the controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from addonkit.controller.backups.addon_calls import AddonCalls
from addonkit.controller.backups.backup_steps import BackupSteps
from addonkit.controller.backups.clone_steps import CloneSteps
from addonkit.controller.backups.cutover import CutoverSteps
from addonkit.controller.backups.data_copier import DataCopier
from addonkit.controller.backups.move_steps import MoveSteps, Rehearsed
from addonkit.saga.saga import Saga

if TYPE_CHECKING:
    from addonkit.controller.backups.archives import Archives
    from addonkit.controller.backups.repository_backups import RepositoryBackups
    from addonkit.controller.controller import Controller
    from addonkit.models.backup import Backup
    from addonkit.models.instance import Instance
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
    """The sagas, put together from steps that work with what is given here.

    All have the inputs `id` (of the execution's own) and `backup` (a Backup). Those that read one have `place` (a
    PlaceRequest). `target` is what they are about.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        controller: Controller,
        archives: Archives,
        repository: RepositoryBackups,
        clock: Clock,
    ) -> None:
        calls = AddonCalls(store, registry)
        copier = DataCopier(registry, archives, calls)
        steps = BackupSteps(store, registry, controller, archives, repository, clock, calls)
        moves = MoveSteps(store, registry, archives, calls, copier, clock)
        self._of_backups(steps, moves)
        self._of_moves(steps, moves, CloneSteps(store, calls, copier))
        self._of_cutovers(steps, moves, CutoverSteps(store, registry, controller, calls, clock))

    def _of_backups(self, steps: BackupSteps, moves: MoveSteps) -> None:
        """Build the sagas that write an archive, or fill a place from one."""
        inputs = ("id", "backup", "place")
        proving = (steps.load_archive, steps.check_archive, steps.take_fingerprint, steps.compare)
        filling = (steps.create_scratch, *proving)
        empty = (steps.create_scratch, moves.check_empty, *proving)
        self.backup: Saga[Backup] = Saga(
            BACKUP, inputs=("id", "backup"), steps=(steps.write_archive, steps.check_repository)
        )
        self.verify: Saga[Backup] = Saga(
            VERIFY, inputs=inputs, steps=(*filling, steps.remove_scratch, steps.record_proof)
        )
        self.restore: Saga[Instance] = Saga(RESTORE, inputs=(*inputs, "target"), steps=(*filling, steps.switch_places))
        self.restore_into: Saga[Instance] = Saga(
            RESTORE_INTO, inputs=(*inputs, "name", "owner", "alias"), steps=(*filling, steps.publish_place)
        )
        self.undestroy: Saga[Instance] = Saga(
            UNDESTROY, inputs=(*inputs, "trash", "name"), steps=(*filling, steps.bring_back)
        )
        self.export: Saga[Backup] = Saga(EXPORT, inputs=("id", "backup"), steps=(steps.write_archive, moves.check_file))
        self.imported: Saga[Instance] = Saga(IMPORT, inputs=(*inputs, "target"), steps=(*empty, steps.switch_places))

    def _of_moves(self, steps: BackupSteps, moves: MoveSteps, clones: CloneSteps) -> None:
        """Build the sagas that fill a place without an archive."""
        copied = (moves.copy_data, steps.take_fingerprint, moves.compare_copy)
        cloned = (clones.copy_data, clones.take_fingerprint, moves.compare_copy)
        self.clone: Saga[Instance] = Saga(
            CLONE,
            inputs=("id", "source", "place", "name", "owner", "alias", "script", "verify"),
            steps=(steps.create_scratch, *cloned, moves.transform_copy, steps.publish_place),
        )
        self.foreign: Saga[Instance] = Saga(
            FOREIGN,
            inputs=("id", "location", "place", "target"),
            steps=(steps.create_scratch, moves.check_empty, moves.load_foreign, steps.switch_places),
        )
        self.rehearse: Saga[Rehearsed] = Saga(
            REHEARSE,
            inputs=("id", "source", "place"),
            steps=(steps.create_scratch, moves.compare_facts, *copied, steps.remove_scratch, moves.report_items),
        )

    def _of_cutovers(self, steps: BackupSteps, moves: MoveSteps, cutover: CutoverSteps) -> None:
        """Build the sagas after which apps use another place, which they cannot write to meanwhile."""
        inputs, arrive = ("id", "source", "place"), (cutover.bind_apps, cutover.switch_places)
        copied = (moves.copy_data, steps.take_fingerprint, cutover.compare_places)
        self.change: Saga[Instance] = Saga(
            CHANGE,
            inputs=inputs,
            steps=(steps.create_scratch, moves.compare_facts, cutover.freeze_source, *copied, *arrive),
        )
        self.rollback: Saga[Instance] = Saga(
            ROLLBACK, inputs=inputs, steps=(cutover.freeze_source, cutover.thaw_place, *arrive)
        )

    def of(self, name: str) -> Saga[Any]:
        """Return the saga of that name."""
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
