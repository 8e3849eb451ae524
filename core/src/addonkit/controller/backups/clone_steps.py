"""Steps of a clone. It believes a copy that the server itself has made once the outline is that of the original."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from addonkit.controller.backups.data_copier import CopiedData
from addonkit.controller.backups.step_values import moving_instance, place_of
from addonkit.models.fingerprint import Fingerprint
from addonkit.provider.server_addon.data import LONGEST
from addonkit.saga.protocol import Sagas
from addonkit.saga.step import step

if TYPE_CHECKING:
    from addonkit.controller.backups.addon_calls import AddonCalls
    from addonkit.controller.backups.data_copier import DataCopier
    from addonkit.store.interface import Store


class CloneSteps:
    """Copies, and takes the fingerprint of the copy unless an outline has told that it is one."""

    def __init__(self, store: Store, calls: AddonCalls, copier: DataCopier) -> None:
        self._store = store
        self._calls = calls
        self._copier = copier

    @step(timeout=LONGEST)
    async def copy_data(self, sagas: Sagas, id: str, source: str, place: Any, *, verify: bool) -> CopiedData:
        """Copy the data."""
        original = await moving_instance(self._store, source)
        target = await moving_instance(self._store, place_of(place).id)
        return await self._copier.copy(sagas, id, original, target, read_all=verify)

    @copy_data.undo
    async def undo_copy_data(self, sagas: Sagas, id: str, source: str, place: Any) -> None:
        """Undo what the addon did for it."""
        await self._copier.undo(sagas, id, source, place_of(place).id)

    @step(gives="found", timeout=LONGEST)
    async def take_fingerprint(
        self, sagas: Sagas, id: str, place: Any, fingerprint: Fingerprint, *, outlined: bool
    ) -> Fingerprint:
        """Take the fingerprint of the copied data."""
        if outlined:
            return fingerprint
        return await self._calls.take_fingerprint(sagas, f"{id}/fingerprint", place_of(place).id, again=True)

    @take_fingerprint.undo
    async def undo_take_fingerprint(self, sagas: Sagas, id: str, place: Any) -> None:
        """Undo what the addon did for it."""
        await self._calls.undo_fingerprint(sagas, f"{id}/fingerprint", place_of(place).id)
