"""Steps by which apps come to use another place: writes stop, apps are bound there, one transaction switches."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from addonkit.controller.addons import addon_of
from addonkit.controller.backups.places import next_tie, switch
from addonkit.controller.backups.step_values import moving_instance, place_of
from addonkit.controller.execution_ids import bind_id
from addonkit.controller.moving import begin_move, mark_moving
from addonkit.controller.step_context import subject_of
from addonkit.errors import DataDiffer, SagaBlocked, SagaRefused
from addonkit.models.fingerprint import Fingerprint, describe_differences
from addonkit.models.instance import Association, Instance, Phase, Purpose
from addonkit.models.result import BindResult
from addonkit.provider.server_addon.data import LONGEST
from addonkit.saga.protocol import Sagas
from addonkit.saga.step import step

if TYPE_CHECKING:
    from addonkit.controller.backups.addon_calls import AddonCalls
    from addonkit.controller.controller import Controller
    from addonkit.registry.registry import Registry
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Store
    from addonkit.util.clock import Clock


class CutoverSteps:
    """Lets apps use another place. `source` is the instance that they use now."""

    def __init__(
        self, store: Store, registry: Registry, controller: Controller, calls: AddonCalls, clock: Clock
    ) -> None:
        self._store = store
        self._registry = registry
        self._controller = controller
        self._calls = calls
        self._clock = clock

    @step(timeout=LONGEST)
    async def freeze_source(self, sagas: Sagas, id: str, source: str) -> None:
        """Keep apps from writing."""
        await self._store.transact(lambda tx: begin_move(tx, source, id))
        await self._freeze(sagas, id, source)

    @freeze_source.undo
    async def undo_freeze_source(self, sagas: Sagas, id: str, source: str, place: Any) -> None:
        """Let apps write again, unless they use the new place."""
        found = await self._store.get(Instance, source)
        if found is None or found.value.moving != id or await self._serves(place):
            return  # not frozen by this execution, or no app is there any more
        await self._thaw(sagas, f"{id}/thaw", source)

    @step(timeout=LONGEST)
    async def thaw_place(self, sagas: Sagas, id: str, place: Any) -> None:
        """Let apps write into the former place."""
        await self._thaw(sagas, f"{id}/thaw-place", place_of(place).id)

    @thaw_place.undo
    async def undo_thaw_place(self, sagas: Sagas, id: str, place: Any) -> None:
        """Keep apps from writing there, unless they use it."""
        if not await self._serves(place):
            await self._freeze(sagas, f"{id}/place", place_of(place).id)

    @step(gives="items", timeout=LONGEST)
    async def compare_places(
        self, sagas: Sagas, id: str, source: str, fingerprint: Fingerprint, found: Fingerprint
    ) -> int:
        """Compare the new place with the old one."""
        instance = await moving_instance(self._store, source)
        now = await self._calls.take_fingerprint(sagas, f"{id}/source", source)
        time = self._clock.now()
        changed = fingerprint.differences(now, time)
        if changed:
            advice = "stop the apps that write, then run the command again"
            written = f"apps have written meanwhile: {describe_differences(changed)}"
            raise DataDiffer(f"moving {instance.name}", written, advice, differences=list(changed))
        differences = now.differences(found, time)
        if differences:
            reason = describe_differences(differences)
            raise DataDiffer(f"moving {instance.name}", reason, differences=list(differences))
        return found.count

    @compare_places.undo
    async def undo_compare_places(self, sagas: Sagas, id: str, source: str) -> None:
        """Undo what the addon did for it."""
        await self._calls.undo_fingerprint(sagas, f"{id}/source", source)

    @step(timeout=LONGEST)
    async def bind_apps(self, sagas: Sagas, source: str, place: Any) -> None:
        """Give apps access to the new place."""
        await self._bound(sagas, source, await moving_instance(self._store, place_of(place).id), again=True)

    @bind_apps.undo
    async def undo_bind_apps(self, sagas: Sagas, source: str, place: Any) -> None:
        """Revoke what apps got in the new place, unless they use it."""
        found = await self._store.get(Instance, place_of(place).id)
        if found is None or not self._binds(found.value) or await self._serves(place):
            return
        for each in await self._ties(source):
            with suppress(SagaRefused, SagaBlocked):
                tie = next_tie(each, found.value)
                await sagas.undo(bind_id(tie), self._asked(tie, found.value))

    @step(gives="result", undo=None, timeout=LONGEST)
    async def switch_places(self, sagas: Sagas, id: str, place: Any, source: str) -> Instance:
        """Let apps use the new place."""
        now, place_id = self._clock.now(), place_of(place).id
        bound = await self._bound(sagas, source, await moving_instance(self._store, place_id))
        served = await self._store.transact(
            lambda tx: switch(tx, self._registry, place_id, source, now, bound, execution_id=id)
        )
        return await self._controller.reconcile(served.id) or served

    async def _bound(self, sagas: Sagas, source: str, place: Instance, *, again: bool = False) -> dict[str, BindResult]:
        """Return what each app gets in a place, by association id; empty for an addon that makes no credentials."""
        if not self._binds(place):
            return {}
        found: dict[str, BindResult] = {}
        for each in await self._ties(source):
            tie = next_tie(each, place)
            asked, subject = self._asked(tie, place), subject_of(place, tie, generation=tie.generation)
            found[tie.id] = await sagas.ensure(bind_id(tie), asked, subject=subject, again=again)
        return found

    def _binds(self, place: Instance) -> bool:
        return "bind" in addon_of(self._registry, place, "bind apps to").capabilities

    def _asked(self, tie: Association, place: Instance) -> Saga[BindResult]:
        return addon_of(self._registry, place, "bind apps to").bind(tie, place)

    async def _ties(self, source: str) -> tuple[Association, ...]:
        return tuple(each for each in await self._controller.associations(source) if each.phase is Phase.ACTIVE)

    async def _freeze(self, sagas: Sagas, id: str, instance_id: str) -> None:
        await self._store.transact(lambda tx: mark_moving(tx, instance_id, id))
        instance = await moving_instance(self._store, instance_id)
        addon = addon_of(self._registry, instance, "freeze")
        if "freeze" in addon.capabilities:
            await sagas.ensure(f"{id}/freeze", addon.freeze(instance), subject=subject_of(instance), again=True)

    async def _thaw(self, sagas: Sagas, id: str, instance_id: str) -> None:
        found = await self._store.get(Instance, instance_id)
        if found is None:
            return
        addon = addon_of(self._registry, found.value, "thaw")
        if "thaw" in addon.capabilities:
            await sagas.ensure(id, addon.thaw(found.value), subject=subject_of(found.value), again=True)
        await self._store.transact(lambda tx: mark_moving(tx, instance_id, ""))

    async def _serves(self, place: Any) -> bool:
        """Return whether apps use a place by now: then nothing of it is taken back."""
        found = await self._store.get(Instance, place_of(place).id)
        return found is not None and found.value.purpose is Purpose.SERVE
