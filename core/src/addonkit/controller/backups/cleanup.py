"""Undoes moves that were interrupted, and removes instances that are kept no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.controller.addons import addon_of
from addonkit.controller.attempts import close_attempts
from addonkit.controller.backups.places import discard_former, discard_place
from addonkit.controller.backups.sagas import NAMES
from addonkit.controller.execution_ids import once_id
from addonkit.controller.moving import IS_MOVING, mark_moving
from addonkit.controller.step_context import subject_of
from addonkit.engine.recovery import unfinished
from addonkit.errors import BackupError
from addonkit.models.execution import Execution
from addonkit.models.instance import Instance, Purpose

if TYPE_CHECKING:
    from addonkit.controller.backups.sagas import BackupSagas
    from addonkit.controller.controller import Controller
    from addonkit.engine.engine import Engine
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store
    from addonkit.store.leases import Leases
    from addonkit.util.clock import Clock


class Cleanup:
    """Looks after executions of these sagas, and after the instances that they make."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        engine: Engine,
        leases: Leases,
        controller: Controller,
        sagas: BackupSagas,
        clock: Clock,
    ) -> None:
        self._store = store
        self._registry = registry
        self._engine = engine
        self._leases = leases
        self._controller = controller
        self._sagas = sagas
        self._clock = clock

    async def finish_move(self, instance: Instance) -> str:
        """Let apps write into an instance again if a move of it was interrupted; say why not if one is under way."""
        execution = await self._engine.execution(instance.moving)
        if execution is not None and not execution.status.finished:
            if await self._leases.is_held(f"execution/{execution.id}"):
                return IS_MOVING
            await self.undo(execution.id)
        left = await self._store.get(Instance, instance.id)
        if left is not None and left.value.moving and left.value.purpose is Purpose.SERVE:
            await self._thaw(left.value)
        return ""

    async def _thaw(self, instance: Instance) -> None:
        """Thaw what an operator has given up."""
        addon = addon_of(self._registry, instance, "thaw")
        if "thaw" in addon.capabilities:
            subject = subject_of(instance)
            await self._engine.ensure(once_id("thaw", instance.id), addon.thaw(instance), subject=subject)
        await self._store.transact(lambda tx: mark_moving(tx, instance.id, ""))

    async def undo_interrupted(self) -> tuple[str, ...]:
        """Undo what no process works on any more; ids of executions."""
        found = await self.interrupted()
        for execution in found:
            await self.undo(execution.id)
        return tuple(execution.id for execution in found)

    async def undo(self, id: str) -> None:
        """Undo one execution, from whatever step it is at."""
        execution = await self._engine.execution(id)
        if execution is not None:
            await self._engine.unblock(id)
            await self._engine.undo(id, self._sagas.of(execution.saga), completed=False)
            # What its steps asked of sagas of addons has nothing to undo; it would stay unfinished for ever.
            asked = [each.id for each in await unfinished(self._store, self._leases)]
            await close_attempts(self._engine, [each for each in asked if each.startswith(f"{id}/")])

    async def expired(self) -> tuple[Instance, ...]:
        """Return former instances that are kept no longer."""
        every = [entity.value for entity in await self._store.list(Instance)]
        formers = [each for each in every if each.purpose is Purpose.FORMER]
        return tuple(each for each in formers if each.expires is None or each.expires < self._clock.now())

    async def leftovers(self) -> tuple[Instance, ...]:
        """Return scratch instances that no execution works with, as an operator has given it up."""
        used = {str(each.inputs["place"]["id"]) for each in await self._unfinished() if "place" in each.inputs}
        every = [entity.value for entity in await self._store.list(Instance)]
        return tuple(each for each in every if each.purpose is Purpose.SCRATCH and each.id not in used)

    async def remove(self, id: str) -> None:
        """Remove a former or scratch instance with its data.

        Raises:
            BackupError: it cannot be removed.
        """
        if await self._store.transact(lambda tx: discard_former(tx, id) or discard_place(tx, id)):
            left = await self._controller.reconcile(id)
            if left is not None:
                raise BackupError(f"removing {left.name}", left.message or f"it is {left.phase}")

    async def clean_up(self, *, keeping: str = "") -> None:
        """Undo what was interrupted, and remove instances that are kept no longer, without the one of that id."""
        await self.undo_interrupted()
        for former in (*await self.expired(), *await self.leftovers()):
            if former.id != keeping:
                await self.remove(former.id)

    async def interrupted(self) -> tuple[Execution, ...]:
        """Return executions that have not ended and that no process works on."""
        left = await self._unfinished()
        return tuple([each for each in left if not await self._leases.is_held(f"execution/{each.id}")])

    async def _unfinished(self) -> tuple[Execution, ...]:
        every = [entity.value for name in sorted(NAMES) for entity in await self._store.list(Execution, {"saga": name})]
        return tuple(each for each in every if not each.status.finished)
