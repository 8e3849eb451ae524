"""Says that a place is on another service, and takes the login, which is there too, for gone."""

from collections.abc import Mapping
from typing import Any

from addonkit import step
from mutants.distant import made, manage

CAUGHT_BY = "nothing_is_gone_that_is_elsewhere[place]"
SAYS = "it was destroyed with the settings of its own service again, and this is left"
CLIENT = "mutants.distant:Client"


@step(undo=None)
async def delete_login(settings: Mapping[str, Any], login: str) -> None:
    """Delete the login."""
    await manage(settings, "DELETE", login)


ADDON = made(unbind=(delete_login,))
