"""Says goodbye to what it removes, and cannot when it has to begin anew."""

from collections.abc import Mapping
from typing import Any

from addonkit import Conflict, Instance, step
from mutants.distant import delete_place, made, manage

CAUGHT_BY = "a_step_that_fails_leaves_nothing[place-destroy]"
SAYS = "look at the place once more"
CLIENT = "mutants.distant:Client"


@step(undo=None)
async def say_goodbye(settings: Mapping[str, Any], instance: Instance) -> None:
    """Look at the place once more."""
    if instance.id not in await manage(settings, "GET", ""):
        raise Conflict(f"cannot remove {instance.id}", "it is gone")


ADDON = made(deprovision=(say_goodbye, delete_place))
