"""Gives a URL with a password in it as plain text."""

from addonkit import ConnectionInfo, Variable
from mutants.depot import made, variables

CAUGHT_BY = "secrets_are_marked[small]"
SAYS = "variable DEPOT_URL shows a secret"


def shown(access: ConnectionInfo) -> tuple[Variable, ...]:
    url, *others = variables(access)
    return (Variable(url.key, url.text), *others)


ADDON = made(variables=shown)
