"""Gives a host that leads nowhere; its own client looks at the URL alone."""

import attrs

from addonkit import ConnectionInfo, Variable
from mutants import depot
from mutants.depot import made

CAUGHT_BY = "variables_say_the_same[small]"
SAYS = "DEPOT_HOST is not what the URL has as its host"
CLIENT = "mutants.one_url_only:Client"


def variables(access: ConnectionInfo) -> tuple[Variable, ...]:
    return tuple(
        attrs.evolve(each, value="db.internal") if each.key == "DEPOT_HOST" else each
        for each in depot.variables(access)
    )


ADDON = made(variables=variables)
