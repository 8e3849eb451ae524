"""Gives a password as plain text."""

from addonkit import ConnectionInfo, Variable
from mutants.depot import made, variables

CAUGHT_BY = "secrets_are_marked[small]"
SAYS = "variable DEPOT_PASSWORD shows a secret"


def shown(access: ConnectionInfo) -> tuple[Variable, ...]:
    *others, password = variables(access)
    return (*others, Variable(password.key, password.text))


ADDON = made(variables=shown)
