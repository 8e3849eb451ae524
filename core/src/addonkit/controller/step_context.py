"""Names what an execution serves, entity ids by role, and reads the arguments that steps receive from them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from addonkit.models.app import App, Variant
from addonkit.models.instance import Association, Instance, Server
from addonkit.models.settings import Values

if TYPE_CHECKING:
    from addonkit.provider.framework import ProviderFramework
    from addonkit.store.interface import Store, V


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


class StepContext:
    """Gives steps their own arguments, read from the store afresh for every step; called by the engine.

    Args:
        store: where instances, apps, associations and servers are.
        framework: what steps work with.
        settings_of: see SettingsOf.
    """

    def __init__(self, store: Store, framework: ProviderFramework, settings_of: SettingsOf) -> None:
        self._store = store
        self._framework = framework
        self._settings_of = settings_of

    async def __call__(self, subject: Mapping[str, str]) -> Mapping[str, Any]:
        """The arguments for an execution that serves these entities."""
        instance = await self._read(Instance, subject.get("instance", ""))
        server = await self._read(Server, subject.get("server") or (instance.server if instance else ""))
        addon = instance.addon if instance else server.addon if server else ""
        return {
            "framework": self._framework,
            "app": await self._read(App, subject.get("app", "")),
            "instance": instance,
            "association": await self._read(Association, subject.get("association", "")),
            "variant": variant_of(instance) if instance else None,
            "server": server,
            "settings": await self._settings_of(addon) if addon else {},
        }

    async def _read(self, kind: type[V], name: str) -> V | None:
        entity = await self._store.get(kind, name) if name else None
        return entity.value if entity else None
