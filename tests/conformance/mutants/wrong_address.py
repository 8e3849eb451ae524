"""Gives an address in a variable that its own client does not read."""

from addonkit import ConnectionInfo, Variable
from mutants import depot
from mutants.depot import VARIABLES, defined, made

CAUGHT_BY = "variables_say_the_same[small]"
SAYS = "nothing answers at the port of DEPOT_SERVER"


def variables(access: ConnectionInfo) -> tuple[Variable, ...]:
    return (*depot.variables(access), Variable("DEPOT_SERVER", "127.0.0.1:9"))


ADDON = made(definition=defined(variables=(*VARIABLES, "DEPOT_SERVER")), variables=variables)
