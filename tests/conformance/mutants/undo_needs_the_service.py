"""Does not say that nothing was done where the service cannot be reached, so that this has to be undone there."""

from collections.abc import Mapping
from typing import Any

from addonkit import AddonkitError, Instance, NotConfigured, step
from mutants import distant
from mutants.distant import made, manage, tell_place

CAUGHT_BY = "a_wrong_setting_leaves_nothing[place]"
SAYS = "create leaves an execution that cannot be undone"
CLIENT = "mutants.distant:Client"


@step
async def create_place(settings: Mapping[str, Any], instance: Instance) -> None:
    """Create the place."""
    try:
        await distant.create_place.run(settings, instance)
    except AddonkitError as error:
        raise NotConfigured(error.attempted, error.found) from error


@create_place.undo
async def _(settings: Mapping[str, Any], instance: Instance) -> None:
    await manage(settings, "DELETE", instance.id)


ADDON = made(provision=(create_place, tell_place))
