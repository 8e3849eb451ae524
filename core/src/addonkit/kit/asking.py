"""Asks addons for what they would do for a request; their sagas are looked at, or run later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from addonkit.controller.requests import Asked, Request
from addonkit.controller.step_context import variant_of
from addonkit.models.app import App
from addonkit.models.instance import Association, Instance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from addonkit.registry.addon import Addon
    from addonkit.registry.registry import Registry
    from addonkit.saga.saga import Saga

_NEW: Final = "new"


def ask_to_provision(registry: Registry, request: Request) -> Asked:
    """Ask for the saga that makes an instance. An addon that cannot say, or a policy that refuses, raises here."""
    addon = registry.get(request.addon, request.distribution)
    instance = new_instance(request)
    return Asked(instance, addon.provision(App(request.app), variant_of(instance), instance))


def ask_to_bind(registry: Registry, request: Request) -> Saga[Any] | None:
    """Ask for the saga that makes credentials for an app; None where the addon makes none for each app."""
    addon = registry.get(request.addon, request.distribution)
    return addon.bind(new_association(request), new_instance(request)) if "bind" in addon.capabilities else None


def ask_to_unbind(addon: Addon, instance: Instance, associations: Iterable[Association]) -> Iterator[Saga[None]]:
    """Ask for the sagas that end the credentials of apps; none where the addon makes none for each app."""
    if "unbind" in addon.capabilities:
        for association in associations:
            yield addon.unbind(association, instance)


def new_instance(request: Request) -> Instance:
    """Return the instance as it would be made."""
    name = f"{request.app}-{request.label}"
    return Instance(
        request.id,
        name,
        request.addon,
        request.app,
        request.variant,
        request.distribution,
        request.config,
        options=request.options,
    )


def new_association(request: Request) -> Association:
    """Return the tie of the app to it, as it would be made."""
    return Association(_NEW, request.app, request.id, request.addon, request.alias, primary=not request.alias)
