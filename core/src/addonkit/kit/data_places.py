"""Instances that data come from or go to: those that there are, and empty ones that are to be made."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import attrs

from addonkit.controller.backups.outcomes import state_of
from addonkit.controller.backups.places import PlaceRequest, former_of
from addonkit.controller.lookup import lookup_instance
from addonkit.controller.variables import associations_of
from addonkit.errors import AlreadyExists, UnknownInstance, UnknownVersion
from addonkit.models.definition import CONFIG_PROGRAMS, CONFIG_VERSION
from addonkit.models.identifiers import new_id
from addonkit.models.instance import Instance, Purpose
from addonkit.models.options import LISTEN
from addonkit.util.addresses import address_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from addonkit.kit.creation import Creation
    from addonkit.models.backup import ArchiveManifest
    from addonkit.models.backup_state import FormerName
    from addonkit.models.trash import TrashedInstance
    from addonkit.store.interface import Reader, Store


class DataPlaces:
    """Reads the store; writes nothing."""

    def __init__(self, store: Store, creation: Creation) -> None:
        self._store = store
        self._creation = creation

    async def find(self, name: str, app: str | None) -> Instance:
        """Return the instance of that name, or what the app calls it; UnknownInstance when there is none."""
        return await lookup_instance(self._store, name, app)

    async def find_serving(self, name: str, app: str | None) -> Instance | None:
        """Return the same, if apps can use it; None otherwise."""
        try:
            found = await self.find(name, app)
        except UnknownInstance:
            return None
        return found if found.purpose is Purpose.SERVE else None

    async def full_name(self, name: str, app: str | None) -> str:
        """Return the full name of an instance; one that does not exist is named in full."""
        found = await self.find_serving(name, app)
        return found.name if found else name

    async def former_names(self, name: str) -> tuple[FormerName, ...]:
        """Return names that the instance of that full name had before."""

        def look(tx: Reader) -> tuple[FormerName, ...]:
            found = tx.list(Instance, {"name": name}, limit=1).items
            return state_of(tx, found[0].name).names if found else ()

        return await self._store.read(look)

    async def former_name(self, served: Instance) -> str:
        """Name of the instance whose place another one has taken; empty without one."""
        former = await self._store.read(lambda tx: former_of(tx, served))
        return former.name if former else ""

    async def free_label(self, name: str, app: str, addon: str, verb: str) -> str:
        """Return the alias under which a new instance is tied to an app: none where the addon's own name is free.

        Args:
            name: of the new instance.
            app: that gets it.
            addon: name of the addon.
            verb: what is done, for the error.

        Raises:
            AlreadyExists: an instance has the name, or the app has something under both names.
        """
        return await self._store.read(lambda tx: _free_label(tx, name, app, addon, verb))

    async def for_archive(
        self,
        manifest: ArchiveManifest,
        app: str,
        variant: str = "",
        options: Mapping[str, str] | None = None,
    ) -> PlaceRequest:
        """Return a place for the data of an archive, with its server's version or the nearest that is here.

        Args:
            manifest: of the archive.
            app: for which the place is made.
            variant: of the place; default is that of the archive.
            options: values of options of the place; default are those of the archive.
        """
        spec = f"{manifest.addon}:{variant or manifest.variant}"
        if options is None:  # what comes from elsewhere listens for no other machines unless that is asked for
            options = without_listening(self._creation.chosen_options(spec, manifest.config))
        else:
            options = await _where_possible(options)
        check = partial(self._creation.make_request, spec, app, options=options)
        try:
            request = await asyncio.to_thread(check, version=manifest.server_version)
        except UnknownVersion:
            request = await asyncio.to_thread(check)
        return PlaceRequest(
            new_id(), request.addon, app, request.variant, request.distribution, request.config, request.options
        )

    async def for_trash(self, trashed: TrashedInstance) -> PlaceRequest:
        """Return a place for what was destroyed: as it was, with the nearest version if its own is no longer here."""
        spec = f"{trashed.addon}:{trashed.variant}"
        kept = await _where_possible(trashed.config)
        options = self._creation.chosen_options(spec, kept)
        check = partial(self._creation.make_request, spec, trashed.app, options=options)
        try:
            found = await asyncio.to_thread(check, version=trashed.config.get(CONFIG_VERSION, ""))
        except UnknownVersion:
            found = await asyncio.to_thread(check)
            config = {**kept, **found.config}
        else:
            here = {key: found.config[key] for key in (CONFIG_PROGRAMS,) if key in found.config}
            config = {**found.config, **kept, **here}
        return PlaceRequest(
            new_id(), trashed.addon, trashed.app, trashed.variant, trashed.distribution, config, options
        )


def place_like(instance: Instance, app: str) -> PlaceRequest:
    """Return a place for an app, with an instance's addon, variant and config. It listens for no other machines."""
    config, options = without_listening(instance.config), without_listening(instance.options)
    return PlaceRequest(new_id(), instance.addon, app, instance.variant, instance.distribution, config, options)


def place_instead(instance: Instance) -> PlaceRequest:
    """Return a place for other data of an instance."""
    place = place_like(instance, instance.app)
    return attrs.evolve(place, config=instance.config, options=instance.options)


def without_listening(values: Mapping[str, str]) -> dict[str, str]:
    """Return options, or a config, of a server that listens on loopback alone."""
    return {name: value for name, value in values.items() if name != LISTEN}


async def _where_possible(values: Mapping[str, str]) -> Mapping[str, str]:
    """Return the same values without an address that this machine has no longer: data come back all the same."""
    listen = values.get(LISTEN, "")
    gone = bool(listen) and bool(await asyncio.to_thread(address_fault, listen))
    return without_listening(values) if gone else values


def _free_label(tx: Reader, name: str, app: str, addon: str, verb: str) -> str:
    if tx.list(Instance, {"name": name}, limit=1).items:
        raise AlreadyExists(f"cannot {verb} into {name}", "an instance has that name", "choose another with --into")
    labels = {each.label for each in associations_of(tx, app)}
    if addon not in labels:
        return ""
    if name in labels:
        raise AlreadyExists(f"cannot {verb} into {name}", f"app {app} has {addon} and {name} already")
    return name
