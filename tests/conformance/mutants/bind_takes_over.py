"""Gives a second app the login of the first, with a new password."""

from collections.abc import Mapping
from typing import Any

from addonkit import Association, Secret, step
from mutants.distant import generate_password, made, manage, tell_login

CAUGHT_BY = "another_app_can_be_given_the_same[place]"
SAYS = "after another app was detached"
CLIENT = "mutants.distant:Client"


@step(gives="login")
async def create_login(settings: Mapping[str, Any], place: str, password: Secret) -> str:
    """Create the login."""
    await manage(settings, "PUT", f"{place}+app", password.reveal())
    return f"{place}+app"


@create_login.undo
async def _(settings: Mapping[str, Any], place: str, association: Association) -> None:
    await manage(settings, "DELETE", f"{place}+app")


ADDON = made(bind=(generate_password, create_login, tell_login))
