"""Replaces the credentials of associations, and revokes former ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from addonkit.controller.acting import check_result
from addonkit.controller.addons import addon_of
from addonkit.controller.execution_ids import rotation_id
from addonkit.controller.rotation import forget_former, give_up_rotation, record_failure, switch_credentials
from addonkit.controller.step_context import subject_of
from addonkit.errors import AddonkitError, LeaseLost
from addonkit.models.instance import Association, Instance
from addonkit.models.result import BindResult

if TYPE_CHECKING:
    from addonkit.controller.acting import Acting
    from addonkit.controller.binder import Binder
    from addonkit.controller.turn import Turn
    from addonkit.store.interface import Transaction


class Rotator:
    """Acts for one association at a time; the caller holds the lease of its instance."""

    def __init__(self, acting: Acting, binder: Binder) -> None:
        self._acting = acting
        self._binder = binder

    async def rotate(self, turn: Turn, instance: Instance, association: Association) -> None:
        """Make the next credentials of an app and switch to them; those that it has stay when that fails."""
        registry, rotation = self._acting.registry, association.rotation
        assert rotation is not None  # decide() found one
        generation = rotation.generation
        subject = subject_of(instance, association, generation=generation)
        try:
            addon = addon_of(registry, instance)
            saga = addon.bind(association.of_generation(generation), instance)

            def record(tx: Transaction, result: Any) -> None:
                check_result(addon, saga, result, BindResult)
                switch_credentials(tx, registry, association.id, generation, result)

            await self._acting.run(turn, rotation_id(association, generation), saga, subject, record)
        except LeaseLost:
            raise
        except AddonkitError as error:
            self._acting.causes[instance.id] = error
            await turn.record(lambda tx: give_up_rotation(tx, association.id))

    async def revoke(self, turn: Turn, instance: Instance, association: Association, generation: int) -> None:
        """Revoke former credentials of an app, or record why that failed."""
        try:
            await self._binder.revoke_generation(instance, association, generation)
        except LeaseLost:
            raise
        except AddonkitError as error:
            self._acting.causes[instance.id] = error
            text = str(error)
            await turn.record(lambda tx: record_failure(tx, association.id, generation, text))
            return
        await turn.record(lambda tx: forget_former(tx, association.id, generation))
