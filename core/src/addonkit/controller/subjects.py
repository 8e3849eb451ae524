"""What an execution serves: entity ids by role, and the arguments that steps receive from them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from addonkit.models.app import App, Variant
from addonkit.models.instance import Association, Instance, Server
from addonkit.models.settings import Values

if TYPE_CHECKING:
    from addonkit.provider.framework import ProviderFramework
    from addonkit.store.interface import Store, Stored


def subject_of(instance: Instance, association: Association | None = None) -> dict[str, str]:
    """The subject of an execution for this instance, or for one association of it."""
    if association is None:
        return {"instance": instance.id, "app": instance.app}
    return {"instance": instance.id, "app": association.app, "association": association.id}


def variant_of(instance: Instance) -> Variant:
    """The variant an instance was created with, its config as it was resolved then."""
    return Variant(instance.variant, dict(instance.config))


SettingsOf = Callable[[str], Awaitable[Values]]
"""Gives the settings of the addon of that name."""


def resources(
    store: Store, framework: ProviderFramework, settings_of: SettingsOf
) -> Callable[[Mapping[str, str]], Awaitable[Mapping[str, Any]]]:
    """The function by which the saga engine gets its own arguments, read afresh for every step."""

    async def read(subject: Mapping[str, str]) -> Mapping[str, Any]:
        async def value(kind: type[Stored], role: str) -> Any:
            name = subject.get(role, "")
            entity = await store.get(kind, name) if name else None
            return entity.value if entity else None

        instance: Instance | None = await value(Instance, "instance")
        server = subject.get("server") or (instance.server if instance else "")
        found = await store.get(Server, server) if server else None
        addon = instance.addon if instance else found.value.addon if found else ""
        return {
            "framework": framework,
            "app": await value(App, "app"),
            "instance": instance,
            "association": await value(Association, "association"),
            "variant": variant_of(instance) if instance else None,
            "server": found.value if found else None,
            "settings": await settings_of(addon) if addon else {},
        }

    return read
