"""Refuses, before anything is taken away, what could not be completed because a server is out of reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from addonkit.errors import Busy
from addonkit.kit.admission import how_to_forget
from addonkit.models.compute import Pool
from addonkit.models.instance import Instance, Phase

if TYPE_CHECKING:
    from addonkit.compute.interface import Backend
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store


class Reachability:
    """Looks at servers; changes nothing."""

    def __init__(self, store: Store, registry: Registry, backend: Backend) -> None:
        self._store = store
        self._registry = registry
        self._backend = backend

    async def check_destroy(self, instance: Instance) -> None:
        """Make sure that the server can be worked on from here.

        Raises:
            Busy: another container runs it; or another process has its port and other instances stay on it.
        """
        await self._check(instance, f"cannot destroy {instance.name}", how_to_forget(instance))

    async def check_detach(self, instance: Instance | None, app: str) -> None:
        """Make sure that credentials of an app can be revoked, where the addon makes some.

        Raises:
            Busy: see check_destroy.
        """
        if instance is None:
            return
        addon = self._registry.get(instance.addon, instance.distribution)
        if "unbind" in addon.capabilities:
            await self._check(instance, f"cannot detach {instance.name} from {app}", "")

    async def _check(self, instance: Instance, attempted: str, advice: str) -> None:
        pool = await self._store.get(Pool, instance.server) if instance.server else None
        if pool is None:
            return
        state = await self._backend.observe(pool.value)
        if state.elsewhere:
            raise Busy(attempted, f"its server cannot be used from here: {state.problem}", advice)
        if state.strangers and not state.running and await self._has_neighbours(instance):
            raise Busy(attempted, f"its server is down, and {state.strangers[0]}", "end that process")

    async def _has_neighbours(self, instance: Instance) -> bool:
        there = [each.value for each in await self._store.list(Instance, {"server": instance.server})]
        return any(each.id != instance.id and each.phase is not Phase.DEPROVISIONING for each in there)
