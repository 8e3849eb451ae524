"""Gives the port of another service than the one in its URL; its own client looks at the URL alone."""

from collections.abc import Mapping
from typing import Any

import attrs

from addonkit import BindResult, Secret, step
from mutants import distant, one_url_only
from mutants.distant import create_login, generate_password, made

CAUGHT_BY = "variables_say_the_same[place]"
SAYS = "DEPOT_PORT is not what the URL has as its port"
CLIENT = "mutants.wrong_variables_elsewhere:Client"


class Client(one_url_only.Client, distant.Client):
    """Reads the URL alone."""


@step(gives="result", undo=None)
async def tell_login(settings: Mapping[str, Any], login: str, place: str, password: Secret) -> BindResult:
    """Put the variables together."""
    told = distant.variables(settings, login, place, password)
    changed = tuple(attrs.evolve(each, value="1") if each.key == "DEPOT_PORT" else each for each in told)
    return BindResult(changed, {"login": login})


ADDON = made(bind=(generate_password, create_login, tell_login))
