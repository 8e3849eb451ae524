"""Names what an execution serves, entity ids by role, and reads the arguments that steps receive from them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from addonkit.models.app import App, Variant
from addonkit.models.instance import Association, Instance, Server
from addonkit.models.settings import Values
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.archive.interface import Archive
    from addonkit.provider.framework import ProviderFramework
    from addonkit.store.interface import Reader, Store, V


def subject_of(instance: Instance, association: Association | None = None, *, generation: int = 0) -> dict[str, str]:
    """Return the subject of an execution for this instance, or for one generation of one association of it."""
    if association is None:
        return {"instance": instance.id, "app": instance.app}
    subject = {"instance": instance.id, "app": association.app, "association": association.id}
    return {**subject, "generation": str(generation)} if generation else subject


def variant_of(instance: Instance) -> Variant:
    """Return the variant an instance was created with, its config as it was resolved then."""
    return Variant(instance.variant, dict(instance.config))


_STORED: Final = frozenset({"app", "instance", "association", "server", "variant", "settings", "archive"})
"""Arguments that are read from the store, or follow from what is read there."""

SettingsOf = Callable[[str], Awaitable[Values]]
"""Gives the settings of the addon of that name."""


ArchiveOf = Callable[[Mapping[str, str], Instance | None], "Archive | None"]
"""Gives the archive that a subject names; None when it names none."""


class StepContext:
    """Gives steps their own arguments, read from the store afresh for every step; called by the engine.

    Args:
        store: where instances, apps, associations and servers are.
        framework: what steps work with.
        settings_of: see SettingsOf.
        archive_of: see ArchiveOf; without it steps have no archive.
    """

    def __init__(
        self,
        store: Store,
        framework: ProviderFramework,
        settings_of: SettingsOf,
        archive_of: ArchiveOf | None = None,
    ) -> None:
        self._store = store
        self._archive_of = archive_of
        self._framework = framework
        self._settings_of = settings_of

    async def __call__(self, subject: Mapping[str, str], names: Collection[str]) -> Mapping[str, Any]:
        """Return the arguments of these names, perhaps with others, for an execution that serves these entities.

        Settings and the archive are read for steps that take them.
        """
        if _STORED.isdisjoint(names):
            return {"framework": self._framework}
        found = await self._store.read(lambda reader: _read(reader, subject))
        addon = found.instance.addon if found.instance else found.server.addon if found.server else ""
        given: dict[str, Any] = {**attrs.asdict(found, recurse=False), "framework": self._framework}
        given["variant"] = variant_of(found.instance) if found.instance else None
        if "settings" in names:
            given["settings"] = await self._settings_of(addon) if addon else {}
        if "archive" in names and self._archive_of:
            given["archive"] = self._archive_of(subject, found.instance)
        return given


@frozen
class _Served:
    """The entities that an execution serves; None where it serves none."""

    app: App | None
    instance: Instance | None
    association: Association | None
    server: Server | None


def _read(reader: Reader, subject: Mapping[str, str]) -> _Served:
    instance = _value(reader, Instance, subject.get("instance", ""))
    tie, generation = _value(reader, Association, subject.get("association", "")), subject.get("generation", "")
    return _Served(
        _value(reader, App, subject.get("app", "")),
        instance,
        tie.of_generation(int(generation)) if tie and generation else tie,
        _value(reader, Server, subject.get("server") or (instance.server if instance else "")),
    )


def _value(reader: Reader, kind: type[V], name: str) -> V | None:
    entity = reader.get(kind, name) if name else None
    return entity.value if entity else None
