"""Asks addons and policies before an operation writes anything: what one of them refuses has not begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from addonkit.controller.addons import addon_of
from addonkit.controller.lookup import find_association, find_instance
from addonkit.controller.requests import Asked, Request, new_instance
from addonkit.controller.step_context import variant_of
from addonkit.errors import AddonFault, InvalidInput
from addonkit.models.app import App
from addonkit.models.instance import Association, Instance, Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from addonkit.models.definition import AddonDefinition
    from addonkit.registry.addon import Addon
    from addonkit.registry.registry import Registry
    from addonkit.saga.saga import Saga
    from addonkit.store.interface import Store


class Admission:
    """Reads; changes nothing.

    All methods raise AddonBroken for a policy that does not load, and whatever a policy refuses with.
    """

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    def check(self, instance: Instance, verb: str) -> None:
        """Make sure that every policy is there, and that the addon can be asked.

        Raises:
            AddonNotInstalled: naming what to install.
            AddonFault: the addon cannot be used, with the reason.
        """
        self._registry.check_plugins()
        try:
            addon_of(self._registry, instance, verb)
        except AddonFault as error:
            error.attempted = f"cannot {verb} {instance.name}"
            if verb == "destroy":
                error.advice = f"{error.advice}; {how_to_forget(instance)}"
            raise

    def admit_create(self, request: Request, *, is_new: bool) -> Asked | None:
        """Ask for a new instance; the answer of its addon. Only policies are looked for when one is continued."""
        self._registry.check_plugins()
        if not is_new:
            return None
        asked = ask_to_provision(self._registry, request)
        ask_to_bind(self._registry, request)
        return asked

    async def admit_attach(self, name: str, app: str, alias: str, *, socket: bool = False, role: str = "") -> None:
        """Ask for one more app of an instance.

        Raises:
            InvalidInput: its addon has no such role.
        """
        instance = (await self._store.read(lambda tx: find_instance(tx, name, None))).value
        self.check(instance, "attach")
        addon = self._registry.get(instance.addon, instance.distribution)
        if role:
            check_role(addon.definition, role, f"cannot attach {name} to {app}")
        if instance.phase is not Phase.DEPROVISIONING:
            addon.admit_bind(new_association(instance, app, alias, socket=socket, role=role), instance)

    async def admit_detach(self, name: str, app: str) -> Instance | None:
        """Ask policies and the addon to allow a detach; the instance, None when its addon cannot be used."""
        self._registry.check_plugins()
        instance, association = await self._store.read(lambda tx: find_association(tx, name, app))
        try:
            addon = addon_of(self._registry, instance)
        except AddonFault:
            return None
        if association.phase is Phase.ACTIVE:
            addon.admit_unbind(association, instance)
        return instance

    async def admit_forget(self, instance: Instance) -> None:
        """Ask for the end of an instance whose addon may be away or broken; what a policy refuses stays."""
        self._registry.check_plugins()
        try:
            await self.admit_destroy(instance)
        except AddonFault as error:
            if error.addon != instance.addon:
                raise

    async def admit_destroy(self, instance: Instance) -> None:
        """Ask for the end of an instance. One that is not active, or is going already, can always be destroyed."""
        self.check(instance, "destroy")
        if instance.phase is Phase.ACTIVE:
            addon = self._registry.get(instance.addon, instance.distribution)
            there = await self._store.list(Association, {"instance": instance.id})
            list(ask_to_unbind(addon, instance, [entity.value for entity in there]))
            addon.deprovision(instance)


def how_to_forget(instance: Instance) -> str:
    """Return the way out for an instance that cannot be removed."""
    return f"`addonkit destroy {instance.name} --forget` forgets it and leaves what it made"


def ask_to_provision(registry: Registry, request: Request) -> Asked:
    """Ask for the saga that makes an instance. An addon that cannot say, or a policy that refuses, raises here."""
    addon = registry.get(request.addon, request.distribution)
    instance = new_instance(request)
    return Asked(instance, addon.provision(App(request.app), variant_of(instance), instance))


def ask_to_bind(registry: Registry, request: Request) -> Saga[Any] | None:
    """Ask for the saga that makes credentials for an app; None where the addon makes none for each app."""
    addon = registry.get(request.addon, request.distribution)
    if "bind" not in addon.capabilities:
        return None
    instance = new_instance(request)
    tie = new_association(instance, request.app, request.alias, socket=request.socket)
    return addon.bind(tie, instance)


def ask_to_unbind(addon: Addon, instance: Instance, associations: Iterable[Association]) -> Iterator[Saga[None]]:
    """Ask for the sagas that end the credentials of apps; none where the addon makes none for each app."""
    if "unbind" in addon.capabilities:
        for association in associations:
            yield addon.unbind(association, instance)


def new_association(instance: Instance, app: str, alias: str, *, socket: bool = False, role: str = "") -> Association:
    """Return the tie of an app to an instance, as it would be made."""
    return Association("new", app, instance.id, instance.addon, alias, primary=not alias, socket=socket, role=role)


def check_role(definition: AddonDefinition, role: str, attempted: str) -> None:
    """Make sure that an addon offers a role.

    Raises:
        InvalidInput: it does not, with those that it offers.
    """
    if role in definition.roles:
        return
    if not definition.roles:
        raise InvalidInput(attempted, f"{definition.name} has no roles", "leave out --role")
    raise InvalidInput(attempted, f"{definition.name} has no role {role!r}", f"use {', '.join(definition.roles)}")
