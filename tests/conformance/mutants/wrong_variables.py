"""Gives an address that nothing answers at."""

import attrs

from addonkit import ConnectionInfo, Variable
from mutants.depot import made, variables

CAUGHT_BY = "an_app_can_use_what_it_gets[small]"
SAYS = "Connection refused"


def elsewhere(access: ConnectionInfo) -> tuple[Variable, ...]:
    return variables(attrs.evolve(access, port=1))


ADDON = made(variables=elsewhere)
