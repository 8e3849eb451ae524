"""Operations that change the size or the version of an instance: `Kit.changes`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs

from addonkit.compute.process.versions import version_key
from addonkit.controller.backups.fit import refusal
from addonkit.controller.backups.places import PlaceRequest
from addonkit.controller.backups.sagas import CHANGE
from addonkit.errors import BackupError, InvalidInput
from addonkit.kit.data_places import without_listening
from addonkit.models.definition import CONFIG_VERSION
from addonkit.models.identifiers import new_id
from addonkit.models.instance import Instance, Purpose
from addonkit.models.result import Usage
from addonkit.models.views import Plan
from addonkit.util.values import frozen

if TYPE_CHECKING:
    from addonkit.kit.backups import Backups
    from addonkit.kit.creation import Creation
    from addonkit.registry.registry import Registry


@frozen
class Changed:
    """The result of a change.

    Attributes:
        instance: as apps use it now.
        before: as it was.
        former: name under which the old place is kept for a while.
    """

    instance: Instance
    before: Instance
    former: str


@frozen
class Rehearsal:
    """The result of a change that was tried on a copy.

    Attributes:
        instance: that was copied.
        variant: of the copy; `version` of its server.
        items: how many are equal.
        seconds: that it took; apps cannot write for about that time.
        usage: how much the instance holds; None when that is not known.
        notes: what is different in the new place, a sentence each.
    """

    instance: Instance
    variant: str
    version: str
    items: int
    seconds: float
    usage: Usage | None = None
    notes: tuple[str, ...] = ()


class Changes:
    """Moves instances to another variant or version. All methods raise AddonkitErrors.

    Args:
        registry: knows the variants.
        creation: resolves variants and versions.
        backups: finds instances and places for data, and runs the sagas.
    """

    def __init__(self, registry: Registry, creation: Creation, backups: Backups) -> None:
        self._registry = registry
        self._creation = creation
        self._places = backups.places
        self._admission = backups.admission
        self._service = backups.service
        self._moves = backups.moves

    async def change(self, name: str, variant: str, app: str | None = None) -> Changed:
        """Move an instance to another variant of its addon, with its data and its apps.

        Apps cannot write while their data move. The old place is kept for a week; see `Backups.rollback`.

        Args:
            name: of the instance.
            variant: where it is to be.
            app: what knows the instance by that name.

        Raises:
            BackupError: its data do not fit, or cannot be moved.
            SagaFailed: the move failed, or the data differ; apps use what they used before.
        """
        return await self._move(*await self._variant(name, variant, app))

    async def plan_change(self, name: str, variant: str, app: str | None = None) -> Plan:
        """Return what change would do; nothing written."""
        return await self._plan(*await self._variant(name, variant, app))

    async def upgrade(self, name: str, version: str = "", app: str | None = None) -> Changed:
        """Move an instance to a server of a newer version, with its data and its apps.

        Args:
            name: of the instance.
            version: of the server; empty means the newest here.
            app: what knows the instance by that name.

        Raises:
            BackupError: the version is none that is newer, or the data cannot be moved.
            SagaFailed: the move failed, or the data differ; apps use what they used before.
        """
        return await self._move(*await self._version(name, version, app))

    async def plan_upgrade(self, name: str, version: str = "", app: str | None = None) -> Plan:
        """Return what upgrade would do; nothing written."""
        return await self._plan(*await self._version(name, version, app))

    async def rehearse_upgrade(self, name: str, version: str = "", app: str | None = None) -> Rehearsal:
        """Do everything that upgrade does on a copy, and remove that."""
        return await self._rehearse(*await self._version(name, version, app))

    async def rehearse_change(self, name: str, variant: str, app: str | None = None) -> Rehearsal:
        """Do everything that change does on a copy, and remove that."""
        return await self._rehearse(*await self._variant(name, variant, app))

    async def confirm(self, name: str, app: str | None = None) -> str:
        """Remove the old place of an instance with its data; return its name.

        Raises:
            BackupError: there is none.
        """
        instance = await self._places.find(name, app)
        former = await self._moves.former(instance)
        if former is None:
            raise BackupError(f"cannot confirm {instance.name}", "it has no former place")
        await self._service.cleanup.remove(former.id)
        return former.name

    async def _variant(self, name: str, variant: str, app: str | None) -> tuple[Instance, PlaceRequest]:
        instance = await self._find(name, app, "change")
        if variant == instance.variant:
            raise InvalidInput(f"cannot change {instance.name}", f"it is {instance.addon}:{variant} already")
        version = instance.config.get(CONFIG_VERSION, "")
        return instance, await self._place(instance, variant, version)

    async def _version(self, name: str, version: str, app: str | None) -> tuple[Instance, PlaceRequest]:
        instance = await self._find(name, app, "upgrade")
        attempted, before = f"cannot upgrade {instance.name}", instance.config.get(CONFIG_VERSION, "")
        if not before:
            raise InvalidInput(attempted, f"addon {instance.addon} has no versions")
        newest = version or await asyncio.to_thread(self._creation.newest_version, instance)
        place = await self._place(instance, instance.variant, newest)
        after = place.config.get(CONFIG_VERSION, "")
        if version_key(after) < version_key(before):
            raise InvalidInput(attempted, f"{after} is older than {before}, which it has", "restore a backup into it")
        if after == before:
            raise InvalidInput(attempted, f"it has version {before} already")
        return instance, place

    async def _find(self, name: str, app: str | None, verb: str) -> Instance:
        instance = await self._places.find(name, app)
        if instance.purpose is not Purpose.SERVE:
            raise InvalidInput(f"cannot {verb} {instance.name}", "no app uses it")
        self._service.check(instance)
        return instance

    async def _place(self, instance: Instance, variant: str, version: str) -> PlaceRequest:
        spec = f"{instance.addon}:{variant}"
        options = self._creation.chosen_options(spec, instance.options)
        make = self._creation.make_request
        request = await asyncio.to_thread(make, spec, instance.app, version=version, options=options)
        addon = self._registry.get(request.addon)
        if any(each.is_cache for each in addon.definition.variants if each.name == request.variant):
            found = f"{request.addon}:{request.variant} is a cache, which keeps no data"
            raise InvalidInput(f"cannot change {instance.name}", found)
        made_of = (request.addon, instance.app, request.variant, request.distribution, request.config, request.options)
        place = PlaceRequest(new_id(), *made_of)
        await self._admission.admit(place, instance)
        return place

    async def _check_size(self, instance: Instance, place: PlaceRequest) -> Usage | None:
        usage = await self._moves.usage(instance)
        reason = refusal(place.variant, place.config, usage.bytes) if usage else ""
        if reason:
            raise BackupError(f"cannot move {instance.name}", reason)
        return usage

    async def _move(self, instance: Instance, place: PlaceRequest) -> Changed:
        await self._check_size(instance, place)
        served = await self._moves.change(instance, place)
        return Changed(served, instance, await self._places.former_name(served))

    async def _rehearse(self, instance: Instance, place: PlaceRequest) -> Rehearsal:
        usage = await self._check_size(instance, place)
        began = asyncio.get_running_loop().time()
        config, options = without_listening(place.config), without_listening(place.options)
        tried = await self._moves.rehearse(instance, attrs.evolve(place, config=config, options=options))
        took = asyncio.get_running_loop().time() - began
        version = place.config.get(CONFIG_VERSION, "")
        notes = (*tried.notes, *self._notes(instance, place))
        return Rehearsal(instance, place.variant, version, tried.items, took, usage, notes)

    def _notes(self, instance: Instance, place: PlaceRequest) -> tuple[str, ...]:
        """Return what an app or its owner would miss in the new place, or find there in addition."""
        appear, vanish = self._variables(instance, place)
        target = f"{place.addon}:{place.variant}"
        return (
            *(
                f"option {name} would have its default, as {target} does not offer the value"
                for name in self._left_out(instance, place)
            ),
            *(f"apps would have {name} no longer" for name in vanish),
            *(f"apps would have {name} in addition" for name in appear),
        )

    def _left_out(self, instance: Instance, place: PlaceRequest) -> tuple[str, ...]:
        """Return options that a user has chosen and that have another value in the new place."""
        options = self._registry.get(place.addon).definition.options_of(place.variant)
        offered = {each.name for each in options.offered}
        kept = {name: value for name, value in instance.options.items() if name in offered}
        same = {name for name, value in kept.items() if value in {place.options.get(name), options.default(name)}}
        return tuple(sorted(set(instance.options) - same))

    def _variables(self, instance: Instance, place: PlaceRequest) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return names of variables that appear in the new place, and of those that vanish."""
        definition = self._registry.get(place.addon).definition
        before = set(definition.variables_of(instance.variant, instance.config))
        after = set(definition.variables_of(place.variant, place.config))
        return tuple(sorted(after - before)), tuple(sorted(before - after))

    async def _plan(self, instance: Instance, place: PlaceRequest) -> Plan:
        await self._check_size(instance, place)
        version = place.config.get(CONFIG_VERSION, "")
        target = f"{place.addon}:{place.variant}{f', version {version}' if version else ''}"
        appear, vanish = self._variables(instance, place)
        dropped = tuple(f"the value of option {name}" for name in self._left_out(instance, place))
        return Plan(
            f"{instance.name} would be {target}; apps cannot write while its data move",
            self._moves.planned_move(CHANGE),
            appear=appear,
            vanish=vanish,
            lost=dropped,
            stays=(f"the data of {instance.name} from before, for a week",),
        )
