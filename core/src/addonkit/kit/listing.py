"""Lists in parts, for those who ask again and again: `Kit.listing`. The cost of a part does not grow with the list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from addonkit.controller import directory
from addonkit.models.instance import Association, Instance

if TYPE_CHECKING:
    from addonkit.controller.views import Viewer
    from addonkit.models.views import AppView, InstanceView
    from addonkit.store.interface import Reader, Store

_LAST: Final = "\U0010ffff"
"""Greater than every id."""

Tie = tuple[Association, str]
"""An association, and the name of its instance."""


class Listing:
    """Reads parts of lists."""

    def __init__(self, store: Store, viewer: Viewer) -> None:
        self._store = store
        self._viewer = viewer

    async def instances(self, after: str, limit: int) -> Sequence[InstanceView]:
        """Return at most `limit` instances by name, after a name."""
        found = await self._store.read(lambda tx: tx.ordered(Instance, "name", after=(after, _LAST), limit=limit))
        return await self._viewer.instances([entity.value for entity in found])

    async def apps(self, after: str, limit: int) -> Sequence[AppView]:
        """Return at most `limit` apps by name, after a name."""
        return await self._store.read(lambda tx: directory.app_part(tx, after, limit))

    async def app(self, name: str) -> AppView | None:
        """Return an app by its name; None when there is none."""
        return await self._store.read(lambda tx: directory.find_app(tx, name))

    async def associations(self, after: str, limit: int) -> Sequence[Tie]:
        """Return at most `limit` associations by id, after an id."""
        return await self._store.read(
            lambda tx: _named(tx, [each.value for each in tx.list(Association, after=after, limit=limit).items])
        )

    async def associations_of(self, app: str) -> Sequence[Tie]:
        """Return all associations of an app."""
        return await self._store.read(
            lambda tx: _named(tx, [each.value for each in tx.list(Association, {"app": app}).items])
        )

    async def association(self, id: str) -> Tie | None:
        """Return an association by its id; None when there is none."""

        def look(tx: Reader) -> Tie | None:
            entity = tx.get(Association, id)
            return _named(tx, [entity.value])[0] if entity else None

        return await self._store.read(look)


def _named(tx: Reader, found: Sequence[Association]) -> list[Tie]:
    pairs = ((each, tx.get(Instance, each.instance)) for each in found)
    return [(each, entity.value.name if entity else "") for each, entity in pairs]
