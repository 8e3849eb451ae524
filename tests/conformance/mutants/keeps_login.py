"""Lets an app in after it was detached; its logins go with the last of the data."""

import json
from collections.abc import Mapping
from typing import Any

from addonkit import Instance, step
from mutants.distant import made, manage

CAUGHT_BY = "another_app_can_be_given_the_same[place]"
SAYS = "reads with its credentials after it was detached"
CLIENT = "mutants.distant:Client"


@step(undo=None)
async def delete_nothing() -> None:
    """Delete nothing."""


@step(undo=None)
async def delete_all(settings: Mapping[str, Any], instance: Instance) -> None:
    """Delete the place and its logins."""
    for name in json.loads(await manage(settings, "GET", "")):
        if name.partition("+")[0] == instance.id:
            await manage(settings, "DELETE", name)


ADDON = made(unbind=(delete_nothing,), deprovision=(delete_all,))
