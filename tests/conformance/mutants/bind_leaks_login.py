"""Leaves a login behind when a later step of binding fails."""

from collections.abc import Mapping
from typing import Any

from addonkit import Association, Secret, step
from mutants import distant
from mutants.distant import generate_password, made, tell_login

CAUGHT_BY = "a_step_that_fails_leaves_nothing[place-bind]"
SAYS = "after a failure at after:create_login this is left"
CLIENT = "mutants.distant:Client"


@step(gives="login", undo=None)
async def create_login(settings: Mapping[str, Any], association: Association, place: str, password: Secret) -> str:
    """Create a login."""
    login: str = await distant.create_login.run(settings, association, place, password)
    return login


ADDON = made(bind=(generate_password, create_login, tell_login))
