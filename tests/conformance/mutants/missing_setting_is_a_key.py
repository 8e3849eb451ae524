"""Fails by a KeyError where a setting is missing."""

from collections.abc import Mapping
from typing import Any

from addonkit import Instance, step
from mutants.distant import made, manage

CAUGHT_BY = "a_setting_that_was_removed_is_named[place]"
SAYS = "KeyError: 'endpoint'"
CLIENT = "mutants.distant:Client"


@step(undo=None)
async def delete_place(settings: Mapping[str, Any], instance: Instance) -> None:
    """Delete the place."""
    await manage({**dict(settings), "endpoint": dict(settings)["endpoint"]}, "DELETE", instance.id)


@step(undo=None)
async def delete_login(settings: Mapping[str, Any], login: str) -> None:
    """Delete the login."""
    if login:
        await manage({**dict(settings), "endpoint": dict(settings)["endpoint"]}, "DELETE", login)


ADDON = made(unbind=(delete_login,), deprovision=(delete_place,))
