"""Gives an app the variables of the place where it was first."""

from addonkit import ConnectionInfo, Variable
from mutants.depot import made, variables
from mutants.depot_backups import Kept

CAUGHT_BY = "an_instance_moves_to_another_variant[small]"
SAYS = "the app still has the variables of the former place"

_FIRST: list[ConnectionInfo] = []


def first(access: ConnectionInfo) -> tuple[Variable, ...]:
    """The variables of the first place."""
    _FIRST.append(access)
    return variables(_FIRST[0])


ADDON = made(tenants=Kept(), variables=first)
