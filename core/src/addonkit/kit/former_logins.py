"""Revokes former credentials that a rotation kept, once they are unused or their time is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from addonkit.controller.addons import addon_of
from addonkit.errors import AddonkitError, StoreError
from addonkit.models.compute import Pool
from addonkit.models.instance import Association, Instance, Phase

if TYPE_CHECKING:
    from addonkit.kit.rotations import Rotated, Rotations
    from addonkit.kit.services import Services

_FIRST: Final = timedelta(seconds=30)
_LONGEST: Final = timedelta(minutes=10)
"""Between two looks at an instance whose former credentials stay: more each time."""


class FormerLogins:
    """Ends no session: credentials that are used stay. Starts no server."""

    def __init__(self, services: Services, rotations: Rotations) -> None:
        self._store = services.store
        self._backend = services.backend
        self._registry = services.registry
        self._clock = services.clock
        self._rotations = rotations
        self._due: dict[str, tuple[datetime, timedelta]] = {}
        self._told: dict[str, str] = {}

    async def check_once(self, report: Callable[[str], None]) -> None:
        """Revoke what is due, of all instances.

        Args:
            report: called with each thing that was done, and once with each that cannot be done.
        """
        ties = [entity.value for entity in await self._store.list(Association, {"phase": Phase.ACTIVE})]
        owing = {tie.instance for tie in ties if tie.formers}
        for known in {*self._due, *self._told} - owing:
            self._due.pop(known, None)
            self._told.pop(known, None)
        for instance_id in sorted(owing):
            if self._is_due(instance_id):
                await self._end(instance_id, report)

    async def finish(self, instance: Instance) -> Rotated | None:
        """Revoke what is due, of one instance; None when nothing can be asked now.

        Raises:
            AddonkitError: its addon failed.
        """
        if instance.phase is not Phase.ACTIVE or not await self._answers(instance):
            return None
        if not addon_of(self._registry, instance).can_rotate:
            return None
        ties = await self._store.list(Association, {"instance": instance.id})
        return await self._rotations.finish(instance.name) if any(each.value.formers for each in ties) else None

    async def _end(self, instance_id: str, report: Callable[[str], None]) -> None:
        entity = await self._store.get(Instance, instance_id)
        if entity is None:
            return
        try:
            finished = await self.finish(entity.value)
        except StoreError:
            raise
        except AddonkitError as error:
            self._tell_once(entity.value, str(error), report)
            return
        if finished is None:
            return
        if not finished.kept:
            self._due.pop(instance_id, None)
            report(f"{entity.value.name}: its former credentials are revoked")
        for problem in sorted({each.problem for each in finished.kept if each.problem}):
            self._tell_once(entity.value, problem, report)

    async def _answers(self, instance: Instance) -> bool:
        """Return whether its server runs, or is not one of ours."""
        if not instance.server:
            return True
        pool = await self._store.get(Pool, instance.server)
        return pool is not None and bool((await self._backend.observe(pool.value)).ready)

    def _is_due(self, instance_id: str) -> bool:
        """Return whether to look at an instance now; then the next look is later."""
        due, wait = self._due.get(instance_id, (self._clock.now(), _FIRST))
        if self._clock.now() < due:
            return False
        self._due[instance_id] = (self._clock.now() + wait, min(wait * 2, _LONGEST))
        return True

    def _tell_once(self, instance: Instance, problem: str, report: Callable[[str], None]) -> None:
        if self._told.get(instance.id) != problem:
            self._told[instance.id] = problem
            report(f"{instance.name}: its former credentials cannot be revoked: {problem}")
