"""Takes for granted that its settings are there."""

from collections.abc import Mapping
from typing import Any

from addonkit import step
from mutants.distant import made, manage

CAUGHT_BY = "a_setting_that_was_removed_is_named[place]"
SAYS = "KeyError"
CLIENT = "mutants.distant:Client"


@step(undo=None)
async def delete_login(settings: Mapping[str, Any], login: str) -> None:
    """Delete the login."""
    if login:
        await manage(dict(settings), "DELETE", login)


ADDON = made(unbind=(delete_login,))
