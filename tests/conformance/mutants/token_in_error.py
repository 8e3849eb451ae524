"""Tells the operator's secret when it is refused."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from addonkit import Instance, NotConfigured, reveal, step
from mutants import distant
from mutants.distant import made, manage, tell_place

CAUGHT_BY = "a_secret_that_is_refused_is_not_shown[place]"
SAYS = "an event shows a secret"
CLIENT = "mutants.distant:Client"


@step
async def create_place(settings: Mapping[str, Any], instance: Instance) -> None:
    """Create the place."""
    login = b64encode(f"admin:{reveal(settings['token'])}".encode()).decode()
    try:
        await distant.create_place.run(settings, instance)
    except NotConfigured as error:
        raise NotConfigured(f"working on {instance.id}", f"it refuses Basic {login}") from error


@create_place.undo
async def _(settings: Mapping[str, Any], instance: Instance) -> None:
    await manage(settings, "DELETE", instance.id)


ADDON = made(provision=(create_place, tell_place))
