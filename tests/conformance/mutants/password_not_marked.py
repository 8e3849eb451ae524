"""Gives its password as plain text."""

from addonkit import Access, Variable
from mutants.depot import made, variables

CAUGHT_BY = "secrets_are_marked[small]"


def shown(access: Access) -> tuple[Variable, ...]:
    return tuple(Variable(each.key, each.text) if each.value == access.password else each for each in variables(access))


ADDON = made(variables=shown)
