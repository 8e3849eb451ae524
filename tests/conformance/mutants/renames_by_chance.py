"""Finds another new name each time."""

from uuid import uuid4

import attrs

from addonkit import ServerAddon, hookimpl
from mutants.depot import made

CAUGHT_BY = "colliding_variables_move_together"
SAYS = "it answers differently each time"


class Renaming:
    """Everything of the good addon, and one hook."""

    def __init__(self, good: ServerAddon) -> None:
        for name in dir(good):
            if name.startswith("addon_"):
                setattr(self, name, getattr(good, name))

    @hookimpl
    def addon_adjust_env_vars(self, result, collisions):
        prefix = f"X{uuid4().hex[:6].upper()}_"
        return tuple(attrs.evolve(each, key=prefix + each.key) for each in result.variables)


ADDON = Renaming(made())
