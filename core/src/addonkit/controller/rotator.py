"""Replaces the credentials of associations, and revokes former ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from addonkit.controller.addons import addon_of
from addonkit.controller.deprovisioner import revoke_generation
from addonkit.controller.execution_ids import rotation_id
from addonkit.controller.reconciliation import check_result
from addonkit.controller.rotation import forget_former, give_up_rotation, record_failure, switch_credentials
from addonkit.controller.step_context import subject_of
from addonkit.errors import AddonkitError
from addonkit.models.instance import Association, Instance
from addonkit.models.result import BindResult

if TYPE_CHECKING:
    from addonkit.controller.reconciliation import Reconciliation
    from addonkit.store.interface import Transaction


async def rotate(reconciliation: Reconciliation, instance: Instance, association: Association) -> None:
    """Make the next credentials of an app and switch to them; those that it has stay when that fails.

    Raises:
        LeaseLost: another process works on the instance.
    """
    registry, rotation = reconciliation.registry, association.rotation
    assert rotation is not None  # decide() found one
    generation = rotation.generation
    id, subject = rotation_id(association, generation), subject_of(instance, association, generation=generation)

    def give_up(tx: Transaction, _error: AddonkitError) -> None:
        give_up_rotation(tx, association.id)

    async with reconciliation.recorded_failure(give_up):
        addon = addon_of(registry, instance)
        saga = addon.bind(association.of_generation(generation), instance)

        def record(tx: Transaction, result: Any) -> None:
            check_result(addon, saga, result, BindResult)
            switch_credentials(tx, registry, association.id, generation, result)

        await reconciliation.run(id, saga, subject, record)


async def revoke(reconciliation: Reconciliation, instance: Instance, association: Association, generation: int) -> None:
    """Revoke former credentials of an app, or record why that failed.

    Raises:
        LeaseLost: another process works on the instance.
    """

    def record(tx: Transaction, error: AddonkitError) -> None:
        record_failure(tx, association.id, generation, str(error))

    async with reconciliation.recorded_failure(record):
        await revoke_generation(reconciliation, instance, association, generation)
        await reconciliation.record(lambda tx: forget_former(tx, association.id, generation))
