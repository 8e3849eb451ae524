"""Fails to revoke what is revoked already."""

from collections.abc import Mapping
from typing import Any

from addonkit import step
from mutants.distant import made, manage

CAUGHT_BY = "a_crash_at_any_point_is_recovered_from[place-destroy]"
SAYS = "delete the login, which must be there"
CLIENT = "mutants.distant:Client"


@step(undo=None)
async def delete_login(settings: Mapping[str, Any], login: str) -> None:
    """Delete the login, which must be there."""
    await manage(settings, "DELETE", login, gone="bad")


ADDON = made(unbind=(delete_login,))
