"""Asks policies and the addon for a place that data move to, before anything of it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from addonkit.controller.backups.places import PlaceRequest, new_place, next_tie
from addonkit.controller.step_context import variant_of
from addonkit.kit.admission import new_association
from addonkit.models.app import App
from addonkit.models.instance import Association, Instance, Phase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from addonkit.models.trash import TrashedInstance
    from addonkit.registry.registry import Registry
    from addonkit.store.interface import Store


class PlaceAdmission:
    """Reads; changes nothing. All methods raise what a policy, or the addon, has against the place.

    Args:
        store: has the apps that are to use the place.
        registry: finds policies and the addon.
    """

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    async def admit(self, wanted: PlaceRequest, instead_of: Instance) -> None:
        """Ask policies and the addon for a place, and for the apps of the instance whose place it takes."""
        self._admit(wanted)
        await self.admit_apps(new_place(wanted), instead_of)

    def admit_new(self, wanted: PlaceRequest, alias: str) -> None:
        """Ask the same for a place that becomes a new instance of the app that it is made for."""
        place = self._admit(wanted)
        self._admit_ties(place, (new_association(place, place.app, alias),))

    def admit_back(self, wanted: PlaceRequest, trashed: TrashedInstance) -> None:
        """Ask the same for a place that becomes what was destroyed, with the apps that it was attached to."""
        place = self._admit(wanted)
        self._admit_ties(place, (attrs.evolve(tie, instance=place.id) for tie in trashed.ties))

    async def admit_apps(self, place: Instance, instead_of: Instance) -> None:
        """Ask for the apps of an instance, which are to use a place that there is."""
        found = await self._store.list(Association, {"instance": instead_of.id})
        active = (entity.value for entity in found if entity.value.phase is Phase.ACTIVE)
        self._admit_ties(place, (next_tie(tie, place) for tie in active))

    def _admit(self, wanted: PlaceRequest) -> Instance:
        self._registry.check_plugins()
        place = new_place(wanted)
        addon = self._registry.get(place.addon, place.distribution)
        addon.provision(App(place.app), variant_of(place), place)
        return place

    def _admit_ties(self, place: Instance, ties: Iterable[Association]) -> None:
        self._registry.check_plugins()
        addon = self._registry.get(place.addon, place.distribution)
        for tie in ties:
            addon.admit_bind(tie, place)
