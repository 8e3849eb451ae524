"""Removes what it made only if it came to know that it had made it."""

from collections.abc import Mapping
from typing import Any

from addonkit import Instance, Secret, step
from mutants.distant import made, manage, tell_place

CAUGHT_BY = "a_crash_at_any_point_is_recovered_from[place-create-then-destroy]"
SAYS = "it died at after:create_place and was destroyed, and this is left"
CLIENT = "mutants.distant:Client"


@step(gives="place")
async def create_place(settings: Mapping[str, Any], instance: Instance) -> str:
    """Create the place."""
    await manage(settings, "PUT", instance.id, Secret.generate().reveal())
    return instance.id


@create_place.undo
async def _(settings: Mapping[str, Any], place: str = "") -> None:
    if place:
        await manage(settings, "DELETE", place)


ADDON = made(provision=(create_place, tell_place))
