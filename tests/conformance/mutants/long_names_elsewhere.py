"""Cannot name an app of two hundred characters, at a service that runs elsewhere."""

from collections.abc import Mapping
from typing import Any

from addonkit import Instance, InvalidName, step
from mutants import distant
from mutants.distant import made, manage, tell_place

CAUGHT_BY = "names_that_look_alike_are_kept_apart[place]"
SAYS = "it is too long"
CLIENT = "mutants.distant:Client"


@step
async def create_place(settings: Mapping[str, Any], instance: Instance) -> None:
    """Create the place, if its app has a short name."""
    if len(instance.app) > 63:
        raise InvalidName(f"cannot create {instance.app[:10]}...", "it is too long")
    await distant.create_place.run(settings, instance)


@create_place.undo
async def _(settings: Mapping[str, Any], instance: Instance) -> None:
    await manage(settings, "DELETE", instance.id)


ADDON = made(provision=(create_place, tell_place))
