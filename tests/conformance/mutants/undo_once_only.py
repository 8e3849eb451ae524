"""Fails to undo what is undone already."""

from collections.abc import Mapping
from typing import Any

from addonkit import Instance, Secret, step
from mutants.distant import made, manage, tell_place

CAUGHT_BY = "a_crash_at_any_point_is_recovered_from[place-undo]"
SAYS = "it answers 404"
CLIENT = "mutants.distant:Client"


@step
async def create_place(settings: Mapping[str, Any], instance: Instance) -> None:
    """Create the place."""
    await manage(settings, "PUT", instance.id, Secret.generate().reveal())


@create_place.undo
async def _(settings: Mapping[str, Any], instance: Instance) -> None:
    await manage(settings, "DELETE", instance.id, gone="bad")


ADDON = made(provision=(create_place, tell_place))
