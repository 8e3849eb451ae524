"""Finds the same new name for every app."""

from mutants.depot import renaming

CAUGHT_BY = "colliding_variables_move_together"
SAYS = "it chose OTHER_DEPOT_URL, which is taken"


def adjust(result):
    return tuple(each.renamed("OTHER_" + each.key) for each in result.variables)


ADDON = renaming(adjust)
