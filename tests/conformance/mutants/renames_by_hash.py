"""Finds another new name in each process."""

from addonkit import ServerAddon, hookimpl
from mutants.depot import made

CAUGHT_BY = "it_answers_the_same_everywhere"
SAYS = "in a process of its own it has other new names"


class Renaming:
    """Everything of the good addon, and one hook."""

    def __init__(self, good: ServerAddon) -> None:
        for name in dir(good):
            if name.startswith("addon_"):
                setattr(self, name, getattr(good, name))

    @hookimpl
    def addon_adjust_env_vars(self, result, association):
        return tuple(each.renamed(f"X{hash(association.alias) % 1000}_" + each.key) for each in result.variables)


ADDON = Renaming(made())
