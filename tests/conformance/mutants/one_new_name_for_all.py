"""Finds the same new name for whoever comes."""

from addonkit import ServerAddon, hookimpl
from mutants.depot import made

CAUGHT_BY = "colliding_variables_move_together"
SAYS = "it chose OTHER_DEPOT_URL, which is taken"


class Renaming:
    """Everything of the good addon, and one hook."""

    def __init__(self, good: ServerAddon) -> None:
        for name in dir(good):
            if name.startswith("addon_"):
                setattr(self, name, getattr(good, name))

    @hookimpl
    def addon_adjust_env_vars(self, result, association):
        return tuple(each.renamed("OTHER_" + each.key) for each in result.variables)


ADDON = Renaming(made())
