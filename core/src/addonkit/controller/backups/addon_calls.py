"""Asks addons for their part of a backup or move, as a child of its saga, and takes it back."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from addonkit.controller.addons import addon_of
from addonkit.controller.backups.step_values import moving_instance
from addonkit.controller.step_context import subject_of
from addonkit.errors import ContractViolation, SagaBlocked, SagaRefused
from addonkit.models.fingerprint import Fingerprint
from addonkit.models.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Callable

    from addonkit.registry.addon import Addon
    from addonkit.registry.registry import Registry
    from addonkit.saga.protocol import Sagas
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Store


class AddonCalls:
    """Used by steps, which give it the sagas of their execution."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    async def take_fingerprint(
        self, sagas: Sagas, id: str, instance_id: str, *, outline: bool = False, again: bool = False
    ) -> Fingerprint:
        """Take the fingerprint of an instance, or its outline.

        Args:
            sagas: of the step.
            id: of the child execution.
            instance_id: of the instance.
            outline: take that instead.
            again: take another one when that execution has ended; otherwise its fingerprint is returned.

        Raises:
            BackupError: the instance does not exist any more.
            ContractViolation: the addon answers something else.
        """
        instance = await moving_instance(self._store, instance_id)
        addon = addon_of(self._registry, instance, f"take the {'outline' if outline else 'fingerprint'} of")
        asked = addon.outline(instance) if outline else addon.fingerprint(instance)
        answer = await sagas.ensure(id, asked, subject=subject_of(instance), again=again)
        return checked_fingerprint(answer, addon.name)

    async def undo_fingerprint(self, sagas: Sagas, id: str, instance_id: str) -> None:
        """Take a fingerprint back that was not taken to the end."""
        await self.undo(sagas, id, instance_id, lambda addon, instance: addon.fingerprint(instance))

    async def undo_restore(self, sagas: Sagas, id: str, instance_id: str) -> None:
        """Take a restore back that did not come to its end."""
        await self.undo(sagas, id, instance_id, lambda addon, instance: addon.restore(instance))

    async def undo(
        self, sagas: Sagas, id: str, instance_id: str, asked: Callable[[Addon, Instance], Saga[Any]]
    ) -> None:
        """Undo a child that has not come to its end. Does nothing if the instance does not exist, or undo is refused.

        Args:
            sagas: of the step.
            id: of the child execution.
            instance_id: of the instance that it is about.
            asked: asks the addon for its saga once more.
        """
        found = await self._store.get(Instance, instance_id)
        if found is not None:
            with suppress(SagaRefused, SagaBlocked):
                saga = asked(addon_of(self._registry, found.value), found.value)
                await sagas.undo(id, saga, completed=False)


def checked_fingerprint(answer: Any, addon: str) -> Fingerprint:
    """Return what an addon answered.

    Raises:
        ContractViolation: it is no Fingerprint.
    """
    if not isinstance(answer, Fingerprint):
        found = f"the result is a {type(answer).__name__}, not a Fingerprint"
        raise ContractViolation(f"asking addon {addon} for its data", found, addon=addon)
    return answer
