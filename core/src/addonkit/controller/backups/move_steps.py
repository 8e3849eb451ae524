"""Steps of export, import and clone that backups have not; see BackupSagas for the others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from addonkit.archive.pipe import OTHER_SIDE
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
from addonkit.saga.step import Step, step
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.controller.backups.addon_calls import AddonCalls
    from addonkit.controller.backups.archives import Archives
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store
    from addonkit.util.clock import Clock


TRANSFORM: Final = "transform_copy"
"""Name of the step that has nothing to do without a script."""


@frozen
class CopiedData:
    """What came of copying.

    Attributes:
        fingerprint: of the source; its outline when that is `outlined`, and then the copy has the same.
        outlined: whether the server itself made the copy, so that the data were not read.
    """

    fingerprint: Fingerprint
    outlined: bool


@frozen
class Rehearsed:
    """What came of a move that was tried.

    Attributes:
        items: how many are equal.
        notes: what is otherwise in the new place, a clause each.
    """

    items: int
    notes: tuple[str, ...]


class MoveSteps:
    """Makes the steps, which work with what is given here."""

    def __init__(self, store: Store, registry: Registry, archives: Archives, calls: AddonCalls) -> None:
        self._store = store
        self._registry = registry
        self._archives = archives
        self._calls = calls

    def check_file(self) -> Step:
        """Read what was written from its beginning to its end."""

        @step(gives="result", undo=None, timeout=LONGEST)
        async def check_file(backup: Any) -> Backup:
            """Read the file up to its end."""
            written = backup_of(backup)
            await self._archives.at(written.location, written.name).read()
            return written

        return check_file

    def check_empty(self) -> Step:
        """Compare the instance that is to get data with one that was just made."""

        @step(undo=None, timeout=LONGEST)
        async def check_empty(sagas: Sagas, id: str, place: Any, target: str) -> None:
            """Make sure that the instance is empty."""
            new = await self._calls.take_fingerprint(sagas, f"{id}/empty", place_of(place).id)
            held = await self._calls.take_fingerprint(sagas, f"{id}/target", target)
            before = {part.name: part for part in new.parts}
            more = [part for part in held.parts if before.get(part.name) != part]
            if more:
                holds = f"the instance holds {more[0].name}" + (f" and {len(more) - 1} more" if more[1:] else "")
                raise BackupError("importing data", holds, "use --into NEW -a APP")

        return check_empty

    def clone(self) -> Step:
        """Copy, and believe a copy that the server itself has made once its outline is that of the original."""

        @step(timeout=LONGEST)
        async def copy_data(sagas: Sagas, id: str, source: str, place: Any, *, verify: bool) -> CopiedData:
            """Copy the data."""
            original = await moving_instance(self._store, source)
            target = await moving_instance(self._store, place_of(place).id)
            return await self._copy(sagas, id, original, target, read_all=verify)

        copy_data.undo(self._undo_copy)
        return copy_data

    def take_fingerprint(self) -> Step:
        """Take the fingerprint of a copy, unless an outline has told that it is one."""

        @step(gives="found", timeout=LONGEST)
        async def take_fingerprint(
            sagas: Sagas, id: str, place: Any, fingerprint: Fingerprint, *, outlined: bool
        ) -> Fingerprint:
            """Take the fingerprint of the copied data."""
            if outlined:
                return fingerprint
            return await self._calls.take_fingerprint(sagas, f"{id}/fingerprint", place_of(place).id, again=True)

        @take_fingerprint.undo
        async def undo_take_fingerprint(sagas: Sagas, id: str, place: Any) -> None:
            await self._calls.undo_fingerprint(sagas, f"{id}/fingerprint", place_of(place).id)

        return take_fingerprint

    def copy(self) -> Step:
        """Copy; the fingerprints of both places are compared whatever way the data took."""

        @step(gives="fingerprint", timeout=LONGEST)
        async def copy_data(sagas: Sagas, id: str, source: str, place: Any) -> Fingerprint:
            """Copy the data."""
            original = await moving_instance(self._store, source)
            target = await moving_instance(self._store, place_of(place).id)
            return (await self._copy(sagas, id, original, target, read_all=True)).fingerprint

        copy_data.undo(self._undo_copy)
        return copy_data

    async def _copy(self, sagas: Sagas, id: str, original: Instance, target: Instance, *, read_all: bool) -> CopiedData:
        """Copy within the server where that can be, else dump and load side by side, with nothing kept between."""
        quick = await self._copied(sagas, id, original, target, read_all=read_all)
        return quick or CopiedData(await self._piped(sagas, id, original, target), outlined=False)

    async def _piped(self, sagas: Sagas, id: str, original: Instance, target: Instance) -> Fingerprint:
        with self._archives.piped(id, original) as location:
            subject = archive_subject(location, id)
            backup = addon_of(self._registry, original, "copy").backup(original)
            restore = addon_of(self._registry, target, "copy").restore(target)
            results: tuple[Any, Any] = await asyncio.gather(
                sagas.ensure(f"{id}/dump", backup, subject={**subject_of(original), **subject}),
                sagas.ensure(f"{id}/load", restore, subject={**subject_of(target), **subject}),
                return_exceptions=True,
            )
        failed = [each for each in results if isinstance(each, BaseException)]
        if failed:
            raise next((each for each in failed if OTHER_SIDE not in str(each)), failed[0])
        fingerprint: Fingerprint = results[0]
        return fingerprint

    async def _undo_copy(self, sagas: Sagas, id: str, source: str, place: Any) -> None:
        await self._calls.undo(sagas, f"{id}/dump", source, lambda addon, instance: addon.backup(instance))
        await self._calls.undo_restore(sagas, f"{id}/load", place_of(place).id)

    def compare_facts(self) -> Step:
        """Compare the new place with the one that the data are in, before they move."""

        @step(gives="notes", undo=None)
        async def compare_facts(sagas: Sagas, id: str, source: str, place: Any) -> tuple[str, ...]:
            """Compare the new place with the present one."""
            original = await moving_instance(self._store, source)
            here = await self._facts(sagas, f"{id}/facts", original)
            there = await self._facts(
                sagas, f"{id}/place-facts", await moving_instance(self._store, place_of(place).id)
            )
            if missing := here.missing(there):
                found = f"the new place does not have {', '.join(missing)}"
                raise BackupError(f"moving {original.name}", found, "install that there, or remove it from the data")
            return here.differences(there)

        return compare_facts

    async def _facts(self, sagas: Sagas, id: str, instance: Instance) -> Facts:
        addon = addon_of(self._registry, instance, "move")
        if "facts" not in addon.capabilities:
            return Facts()
        found: Facts = await sagas.ensure(id, addon.facts(instance), subject=subject_of(instance), again=True)
        return found

    def load_foreign(self) -> Step:
        """Let the addon load data of another origin."""

        @step(timeout=LONGEST)
        async def load_foreign(sagas: Sagas, id: str, place: Any, location: str) -> None:
            """Load the data."""
            target = await moving_instance(self._store, place_of(place).id)
            subject = {**subject_of(target), **archive_subject(location, id)}
            restore = addon_of(self._registry, target, "import").restore(target)
            await sagas.ensure(f"{id}/load", restore, subject=subject)

        @load_foreign.undo
        async def undo_load_foreign(sagas: Sagas, id: str, place: Any) -> None:
            await self._calls.undo_restore(sagas, f"{id}/load", place_of(place).id)

        return load_foreign

    def transform(self) -> Step:
        """Change the copy by a script of the user's; none is no change."""

        @step(timeout=LONGEST)
        async def transform_copy(sagas: Sagas, id: str, place: Any, script: str) -> None:
            """Run the script in the copy."""
            if script:
                target = await moving_instance(self._store, place_of(place).id)
                asked = addon_of(self._registry, target, "transform").transform(target, script)
                await sagas.ensure(f"{id}/transform", asked, subject=subject_of(target))

        @transform_copy.undo
        async def undo_transform_copy(sagas: Sagas, id: str, place: Any, script: str) -> None:
            if script:
                await self._calls.undo(
                    sagas,
                    f"{id}/transform",
                    place_of(place).id,
                    lambda addon, instance: addon.transform(instance, script),
                )

        return transform_copy

    def compare(self, clock: Clock) -> Step:
        """Compare the copy with what was copied."""

        @step(gives="items", undo=None)
        async def compare_copy(fingerprint: Fingerprint, found: Fingerprint) -> int:
            """Compare the copy with the original."""
            differences = fingerprint.differences(found, clock.now())
            if differences:
                raise DataDiffer("copying data", describe_differences(differences), differences=list(differences))
            return found.count

        return compare_copy

    def count(self) -> Step:
        """Say how much was compared, and what is different around it."""

        @step(gives="result", undo=None)
        async def report_items(items: int, notes: tuple[str, ...]) -> Rehearsed:
            """Report how many items are equal."""
            return Rehearsed(items, notes)

        return report_items

    async def _copied(
        self, sagas: Sagas, id: str, source: Instance, target: Instance, *, read_all: bool
    ) -> CopiedData | None:
        """What tells of a source that was copied without an archive; None when it is to go through one.

        An app may have written since: then both differ, and what an archive holds is of one moment.
        """
        addon = addon_of(self._registry, target, "copy")
        if "copy" not in addon.capabilities:
            return None
        outlined = "outline" in addon.capabilities and not read_all
        before = await self._outline(sagas, f"{id}/outline-before", source) if outlined else None
        asked = addon.copy(source, target)
        if not await sagas.ensure(f"{id}/copy", asked, subject=subject_of(target), again=True):
            return None
        if before is not None:
            after = await self._outline(sagas, f"{id}/outline", target)
            if not before.differences(after):
                return CopiedData(before, outlined=True)
        # The next step asks for the same fingerprint of the target, and gets this one.
        looks = (
            self._calls.take_fingerprint(sagas, f"{id}/fingerprint", target.id),
            self._calls.take_fingerprint(sagas, f"{id}/original", source.id),
        )
        held, original = await asyncio.gather(*looks)
        if not original.differences(held):
            return CopiedData(original, outlined=False)
        await sagas.undo(f"{id}/fingerprint", addon.fingerprint(target))
        return None

    async def _outline(self, sagas: Sagas, id: str, instance: Instance) -> Fingerprint:
        return await self._calls.take_fingerprint(sagas, id, instance.id, outline=True, again=True)
