"""Copies the data of one instance into another: by their servers where that can be, else through a pipe."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from addonkit.archive.pipe import OTHER_SIDE
from addonkit.controller.addons import addon_of
from addonkit.controller.backups.archives import LOCATION, archive_subject
from addonkit.controller.step_context import subject_of
from addonkit.models.fingerprint import Fingerprint
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from addonkit.controller.backups.addon_calls import AddonCalls
    from addonkit.controller.backups.archives import Archives
    from addonkit.models.instance import Instance
    from addonkit.registry.registry import Registry
    from addonkit.saga.protocol import Sagas
    from addonkit.saga.saga import Saga


@frozen
class CopiedData:
    """The result of copying.

    Attributes:
        fingerprint: of the source; its outline when that is `outlined`, and then the copy has the same.
        outlined: whether the server itself made the copy, so that the data were not read.
    """

    fingerprint: Fingerprint
    outlined: bool


class DataCopier:
    """Asks addons for copies, as children of an execution whose id is given."""

    def __init__(self, registry: Registry, archives: Archives, calls: AddonCalls) -> None:
        self._registry = registry
        self._archives = archives
        self._calls = calls

    async def copy(self, sagas: Sagas, id: str, original: Instance, target: Instance, *, read_all: bool) -> CopiedData:
        """Let servers copy where that can be, else dump and load side by side, with nothing kept between."""
        quick = await self._copied(sagas, id, original, target, read_all=read_all)
        return quick or CopiedData(await self._piped(sagas, id, original, target), outlined=False)

    async def undo(self, sagas: Sagas, id: str, source: str, target: str) -> None:
        """Undo what addons did for a copy between the instances of these ids."""
        await self._calls.undo(sagas, f"{id}/dump", source, lambda addon, instance: addon.backup(instance))
        await self._calls.undo_restore(sagas, f"{id}/load", target)

    async def _piped(self, sagas: Sagas, id: str, original: Instance, target: Instance) -> Fingerprint:
        with self._archives.piped(id, original) as location:
            subject = archive_subject(location, id)
            backup = addon_of(self._registry, original, "copy").backup(original)
            restore = addon_of(self._registry, target, "copy").restore(target)
            results: tuple[Any, Any] = await asyncio.gather(
                self._one_side(sagas, f"{id}/dump", backup, {**subject_of(original), **subject}),
                self._one_side(sagas, f"{id}/load", restore, {**subject_of(target), **subject}),
                return_exceptions=True,
            )
        failed = [each for each in results if isinstance(each, BaseException)]
        if failed:
            raise next((each for each in failed if OTHER_SIDE not in str(each)), failed[0])
        fingerprint: Fingerprint = results[0]
        return fingerprint

    async def _one_side(self, sagas: Sagas, id: str, saga: Saga[Any], subject: Mapping[str, str]) -> Any:
        """Run one side of a pipe. A failure ends the other side too: it may wait for what never comes."""
        try:
            return await sagas.ensure(id, saga, subject=subject)
        except BaseException:
            self._archives.give_up(subject[LOCATION])
            raise

    async def _copied(
        self, sagas: Sagas, id: str, source: Instance, target: Instance, *, read_all: bool
    ) -> CopiedData | None:
        """Return what tells of a source that was copied without an archive; None when it is to go through one.

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
