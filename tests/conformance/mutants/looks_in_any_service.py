"""Takes what is not found for gone, whichever service its settings lead to."""

from collections.abc import Mapping
from typing import Any

from addonkit import Instance, step
from mutants.distant import made, manage

CAUGHT_BY = "nothing_is_gone_that_is_elsewhere[place]"
SAYS = "destroy succeeds at another service, which is empty"
CLIENT = "mutants.distant:Client"


@step(undo=None)
async def delete_login(settings: Mapping[str, Any], login: str) -> None:
    """Delete the login."""
    await manage(settings, "DELETE", login)


@step(undo=None)
async def delete_place(settings: Mapping[str, Any], instance: Instance) -> None:
    """Delete the place."""
    await manage(settings, "DELETE", instance.id)


ADDON = made(unbind=(delete_login,), deprovision=(delete_place,))
