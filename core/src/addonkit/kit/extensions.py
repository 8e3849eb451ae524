"""Operations on extensions of instances: `Kit.extensions`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from addonkit.controller.addons import addon_of
from addonkit.controller.execution_ids import once_id
from addonkit.controller.lookup import lookup_instance
from addonkit.controller.step_context import subject_of
from addonkit.errors import InvalidInput
from addonkit.models.option_values import words_of

if TYPE_CHECKING:
    from addonkit.kit.options import InstanceOptions
    from addonkit.kit.services import Services
    from addonkit.models.instance import Instance
    from addonkit.models.result import Extension
    from addonkit.models.views import InstanceView, OptionPlan

OPTION: Final = "extensions"
"""Name of the option that holds the extensions of an instance."""


class InstanceExtensions:
    """Lists and changes extensions, which are words of an option. All methods raise AddonkitErrors."""

    def __init__(self, services: Services, options: InstanceOptions) -> None:
        self._store = services.store
        self._registry = services.registry
        self._engine = services.engine
        self._settings = services.settings
        self._options = options

    async def list(self, name: str, app: str | None = None) -> tuple[tuple[Extension, bool], ...]:
        """Return what an instance has and can have by name, and what the operator allows. Starts the server."""
        instance = await self._find(name, app)
        addon = addon_of(self._registry, instance, "list extensions of")
        _check(instance, "extensions" in addon.capabilities)
        found = await self._engine.ensure(
            once_id("extensions", instance.id), addon.extensions(instance), subject=subject_of(instance)
        )
        allowed = await self._allowed(instance)
        return tuple((each, each.name in allowed) for each in found.items)

    async def plan(
        self, name: str, add: Collection[str] = (), remove: Collection[str] = (), app: str | None = None
    ) -> OptionPlan:
        """Return what `change` would do; the same checks, nothing written."""
        instance = await self._find(name, app)
        return await self._options.plan(instance.name, {OPTION: _wanted(instance, add, remove)})

    async def change(
        self, name: str, add: Collection[str] = (), remove: Collection[str] = (), app: str | None = None
    ) -> InstanceView:
        """Add extensions to an instance, and remove some; see `InstanceOptions.set`."""
        instance = await self._find(name, app)
        return await self._options.set(instance.name, {OPTION: _wanted(instance, add, remove)})

    async def update(self, name: str, extension: str, app: str | None = None) -> None:
        """Bring an extension to the version that the server has.

        Raises:
            SagaFailed: the instance does not have it, or the server cannot.
        """
        instance = await self._find(name, app)
        addon = addon_of(self._registry, instance, "update extensions of")
        _check(instance, "update_extension" in addon.capabilities)
        saga = addon.update_extension(instance, extension)
        await self._engine.ensure(once_id("extension", instance.id), saga, subject=subject_of(instance))

    async def _allowed(self, instance: Instance) -> frozenset[str]:
        definition = addon_of(self._registry, instance, "list extensions of").definition
        bound = next((each.allowed_by for each in definition.options if each.name == OPTION), "")
        return frozenset(await self._settings.allowed_words(instance.addon, bound))

    async def _find(self, name: str, app: str | None) -> Instance:
        return await lookup_instance(self._store, name, app)


def _wanted(instance: Instance, add: Collection[str], remove: Collection[str]) -> str:
    """Return the value of the option afterwards.

    Raises:
        InvalidInput: one that is to be removed was not added.
    """
    there = words_of(instance.config.get(OPTION, ""))
    for each in remove:
        if each not in there:
            attempted = f"cannot remove extension {each} from {instance.name}"
            raise InvalidInput(attempted, "it was not added", f"run `addonkit extension list {instance.name}`")
    kept = [each for each in there if each not in remove]
    return ",".join(dict.fromkeys((*kept, *add)))


def _check(instance: Instance, can: bool) -> None:  # noqa: FBT001 - one question
    if not can:
        raise InvalidInput(f"cannot work with extensions of {instance.name}", f"{instance.addon} has none")
