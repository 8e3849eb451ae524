"""Moves only the first of its variables out of the way."""

import attrs

from addonkit import ServerAddon, hookimpl
from mutants.depot import made

CAUGHT_BY = "colliding_variables_move_together"
SAYS = "it renamed only a part of the set"


class Renaming:
    """Everything of the good addon, and one hook."""

    def __init__(self, good: ServerAddon) -> None:
        for name in dir(good):
            if name.startswith("addon_"):
                setattr(self, name, getattr(good, name))

    @hookimpl
    def addon_adjust_env_vars(self, result, association, collisions):
        first, *others = result.variables
        return (attrs.evolve(first, key=association.prefix + first.key), *others) if collisions else result.variables


ADDON = Renaming(made())
