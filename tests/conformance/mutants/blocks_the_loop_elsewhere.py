"""Asks a service that runs elsewhere, and keeps all other steps waiting."""

from collections.abc import Mapping
from typing import Any

from addonkit import Instance, reveal, step
from mutants import depot
from mutants.distant import made

CAUGHT_BY = "steps_leave_the_loop_free[place]"
SAYS = "a step blocks the event loop: urllib.Request at "
CLIENT = "mutants.distant:Client"


@step(undo=None)
async def delete_place(settings: Mapping[str, Any], instance: Instance) -> None:
    """Delete the place."""
    depot.call(f"{settings['endpoint']}/users/{instance.id}", "admin", reveal(settings["token"]), "DELETE")


ADDON = made(deprovision=(delete_place,))
