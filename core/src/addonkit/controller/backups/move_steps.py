"""Steps of export, import and clone that backups have not; see BackupSagas for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from addonkit.controller.addons import addon_of
from addonkit.controller.backups.archives import archive_subject
from addonkit.controller.backups.step_values import backup_of, moving_instance, place_of
from addonkit.controller.step_context import subject_of
from addonkit.errors import BackupError, DataDiffer
from addonkit.models.backup import Backup
from addonkit.models.facts import Facts
from addonkit.models.fingerprint import Fingerprint, describe_differences
from addonkit.models.instance import Instance
from addonkit.provider.server_addon.data import LONGEST
from addonkit.saga.protocol import Sagas
from addonkit.saga.step import step
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.controller.backups.addon_calls import AddonCalls
    from addonkit.controller.backups.archives import Archives
    from addonkit.controller.backups.data_copier import DataCopier
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store
    from addonkit.util.clock import Clock


TRANSFORM: Final = "transform_copy"
"""Name of the step that has nothing to do without a script."""


@frozen
class Rehearsed:
    """The result of a move that was tried.

    Attributes:
        items: how many are equal.
        notes: what is otherwise in the new place, a clause each.
    """

    items: int
    notes: tuple[str, ...]


class MoveSteps:
    """Moves data without an archive that stays; each step works with what is given here."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        archives: Archives,
        calls: AddonCalls,
        copier: DataCopier,
        clock: Clock,
    ) -> None:
        self._store = store
        self._registry = registry
        self._archives = archives
        self._calls = calls
        self._copier = copier
        self._clock = clock

    @step(gives="result", undo=None, timeout=LONGEST)
    async def check_file(self, backup: Any) -> Backup:
        """Read the file up to its end."""
        written = backup_of(backup)
        await self._archives.at(written.location, written.name).read()
        return written

    @step(undo=None, timeout=LONGEST)
    async def check_empty(self, sagas: Sagas, id: str, place: Any, target: str) -> None:
        """Make sure that the instance is empty."""
        new = await self._calls.take_fingerprint(sagas, f"{id}/empty", place_of(place).id)
        held = await self._calls.take_fingerprint(sagas, f"{id}/target", target)
        before = {part.name: part for part in new.parts}
        more = [part for part in held.parts if before.get(part.name) != part]
        if more:
            holds = f"the instance holds {more[0].name}" + (f" and {len(more) - 1} more" if more[1:] else "")
            raise BackupError("importing data", holds, "use --into NEW -a APP")

    @step(gives="fingerprint", timeout=LONGEST)
    async def copy_data(self, sagas: Sagas, id: str, source: str, place: Any) -> Fingerprint:
        """Copy the data."""
        original = await moving_instance(self._store, source)
        target = await moving_instance(self._store, place_of(place).id)
        return (await self._copier.copy(sagas, id, original, target, read_all=True)).fingerprint

    @copy_data.undo
    async def undo_copy_data(self, sagas: Sagas, id: str, source: str, place: Any) -> None:
        """Undo what the addon did for it."""
        await self._copier.undo(sagas, id, source, place_of(place).id)

    @step(gives="notes", undo=None)
    async def compare_facts(self, sagas: Sagas, id: str, source: str, place: Any) -> tuple[str, ...]:
        """Compare the new place with the present one."""
        original = await moving_instance(self._store, source)
        here = await self._facts(sagas, f"{id}/facts", original)
        there = await self._facts(sagas, f"{id}/place-facts", await moving_instance(self._store, place_of(place).id))
        if missing := here.missing(there):
            found = f"the new place does not have {', '.join(missing)}"
            raise BackupError(f"moving {original.name}", found, "install that there, or remove it from the data")
        return here.differences(there)

    async def _facts(self, sagas: Sagas, id: str, instance: Instance) -> Facts:
        addon = addon_of(self._registry, instance, "move")
        if "facts" not in addon.capabilities:
            return Facts()
        found: Facts = await sagas.ensure(id, addon.facts(instance), subject=subject_of(instance), again=True)
        return found

    @step(timeout=LONGEST)
    async def load_foreign(self, sagas: Sagas, id: str, place: Any, location: str) -> None:
        """Load the data."""
        target = await moving_instance(self._store, place_of(place).id)
        subject = {**subject_of(target), **archive_subject(location, id)}
        restore = addon_of(self._registry, target, "import").restore(target)
        await sagas.ensure(f"{id}/load", restore, subject=subject)

    @load_foreign.undo
    async def undo_load_foreign(self, sagas: Sagas, id: str, place: Any) -> None:
        """Undo what the addon did for it."""
        await self._calls.undo_restore(sagas, f"{id}/load", place_of(place).id)

    @step(timeout=LONGEST)
    async def transform_copy(self, sagas: Sagas, id: str, place: Any, script: str) -> None:
        """Run the script in the copy."""
        if script:
            target = await moving_instance(self._store, place_of(place).id)
            asked = addon_of(self._registry, target, "transform").transform(target, script)
            await sagas.ensure(f"{id}/transform", asked, subject=subject_of(target))

    @transform_copy.undo
    async def undo_transform_copy(self, sagas: Sagas, id: str, place: Any, script: str) -> None:
        """Undo what the addon did for it."""
        if script:
            await self._calls.undo(
                sagas,
                f"{id}/transform",
                place_of(place).id,
                lambda addon, instance: addon.transform(instance, script),
            )

    @step(gives="items", undo=None)
    async def compare_copy(self, fingerprint: Fingerprint, found: Fingerprint) -> int:
        """Compare the copy with the original."""
        differences = fingerprint.differences(found, self._clock.now())
        if differences:
            raise DataDiffer("copying data", describe_differences(differences), differences=list(differences))
        return found.count

    @step(gives="result", undo=None)
    async def report_items(self, items: int, notes: tuple[str, ...]) -> Rehearsed:
        """Report how many items are equal."""
        return Rehearsed(items, notes)
