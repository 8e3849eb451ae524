"""Ends what was begun: tries it again, completes it, or undoes a move of data."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.lookup import instances_of, lookup_instance
from addonkit.errors import AddonkitError, Busy, InstanceFailed, StoreError
from addonkit.kit.failures import failed, with_reason
from addonkit.models.instance import Instance, Phase, Purpose
from addonkit.models.views import InstanceView

if TYPE_CHECKING:
    from addonkit.controller.controller import Controller
    from addonkit.controller.views import Viewer
    from addonkit.kit.admission import Admission
    from addonkit.kit.backups import Backups
    from addonkit.kit.former_logins import FormerLogins
    from addonkit.kit.operations import Operations
    from addonkit.kit.services import Services


class Resumption:
    """Ends what was begun; see the methods of Kit."""

    def __init__(
        self,
        services: Services,
        operations: Operations,
        admission: Admission,
        controller: Controller,
        viewer: Viewer,
        backups: Callable[[], Backups],
        former_logins: Callable[[], FormerLogins],
    ) -> None:
        self._store = services.store
        self._operations = operations
        self._admission = admission
        self._controller = controller
        self._viewer = viewer
        self._backups = backups
        self._former_logins = former_logins

    async def retry(self, name: str, app: str | None = None) -> InstanceView:
        """Retry what failed, or resume what was interrupted, until nothing is left to do."""
        found = await lookup_instance(self._store, name, app)
        self._admission.check(found, "resume")
        hindered = await self._finish_move(found) if _is_moving(found) else ""
        if hindered:
            raise Busy(f"cannot resume {found.name}", hindered)
        instance = await self._operations.retry(name, app)
        reconciled = await self._controller.reconcile(instance.id)
        if reconciled is None:
            return InstanceView(attrs.evolve(instance, message="gone"))
        told = await with_reason(self._controller, reconciled)
        if told.message:
            raise failed(f"trying {reconciled.name} again", told) from self._controller.cause(reconciled.id)
        await self._end_former(reconciled)
        return await self._viewer.instance(reconciled)

    async def _end_former(self, instance: Instance) -> None:
        """Revoke former credentials that are unused or whose time is over."""
        if not any(tie.formers for tie in await self._controller.associations(instance.id)):
            return
        finished = await self._former_logins().finish(instance)
        for problem in {each.problem for each in finished.kept if each.problem} if finished else ():
            advice = f"`addonkit retry {instance.name}` tries again"
            raise InstanceFailed(
                f"revoking former credentials of {instance.name}", problem, advice, instance=instance.name
            )

    async def complete(self, id: str) -> InstanceView | None:
        """Carry out what is recorded for the instance of that id until nothing is left to do; None when it is gone.

        Raises:
            InstanceFailed: it, or a tie of an app to it, did not come as far as was asked.
        """
        reconciled = await self._controller.reconcile(id)
        if reconciled is None:
            return None
        told = await with_reason(self._controller, reconciled)
        if told.message or told.phase is Phase.DEPROVISIONING:
            raise failed(f"completing {reconciled.name}", told) from self._controller.cause(id)
        return await self._viewer.instance(reconciled)

    async def finish_moves(self, app: str | None, without: Collection[str]) -> dict[str, str]:
        """Undo moves that were interrupted; names of instances that are being moved, to a reason."""
        found = await self._store.read(lambda tx: instances_of(tx, app))
        moving = [each for each in found if _is_moving(each) and each.name not in without]
        reasons = {each.name: await self._finish_move(each) for each in moving}
        return {name: reason for name, reason in reasons.items() if reason}

    async def _finish_move(self, instance: Instance) -> str:
        try:
            return await self._backups().service.cleanup.finish_move(instance)
        except StoreError:
            raise
        except AddonkitError as error:
            return f"a move of its data was interrupted and cannot be undone: {error}"


def _is_moving(instance: Instance) -> bool:
    """Return whether apps cannot write as a move of the data has begun."""
    return bool(instance.moving) and instance.purpose is Purpose.SERVE
