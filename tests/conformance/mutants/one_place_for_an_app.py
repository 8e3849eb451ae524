"""Names what it makes after the app, which may have two."""

from collections.abc import Mapping
from typing import Any

from addonkit import Instance, ProvisionResult, Secret, step
from mutants.distant import made, manage

CAUGHT_BY = "an_app_can_have_two[place]"
SAYS = "beside a second instance"
CLIENT = "mutants.distant:Client"


@step
async def create_place(settings: Mapping[str, Any], instance: Instance) -> None:
    """Create the place."""
    await manage(settings, "PUT", instance.app, Secret.generate().reveal())


@create_place.undo
async def _(settings: Mapping[str, Any], instance: Instance) -> None:
    await manage(settings, "DELETE", instance.app)


@step(gives="result", undo=None)
async def tell_place(instance: Instance) -> ProvisionResult:
    """Tell where it is."""
    return ProvisionResult(attributes={"place": instance.app})


@step(undo=None)
async def delete_place(settings: Mapping[str, Any], instance: Instance) -> None:
    """Delete the place."""
    await manage(settings, "DELETE", instance.app)


ADDON = made(provision=(create_place, tell_place), deprovision=(delete_place,))
