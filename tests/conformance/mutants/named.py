"""The good addon of a service elsewhere, with places that have names of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from addonkit import Instance, ProvisionResult, Secret, step
from mutants import distant
from mutants.distant import manage


def made(name: Callable[[Instance], str]) -> SimpleNamespace:
    @step
    async def create_place(settings: Mapping[str, Any], instance: Instance) -> None:
        """Create the place."""
        await manage(settings, "PUT", name(instance), Secret.generate().reveal())

    @create_place.undo
    async def _(settings: Mapping[str, Any], instance: Instance) -> None:
        await manage(settings, "DELETE", name(instance))

    @step(gives="result", undo=None)
    async def tell_place(instance: Instance) -> ProvisionResult:
        """Tell where it is."""
        return ProvisionResult(attributes={"place": name(instance)})

    @step(undo=None)
    async def delete_place(settings: Mapping[str, Any], instance: Instance) -> None:
        """Delete the place."""
        await manage(settings, "DELETE", name(instance))

    return distant.made(provision=(create_place, tell_place), deprovision=(delete_place,))
