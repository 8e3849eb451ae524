"""Finds another new name each time."""

from uuid import uuid4

from mutants.depot import renaming

CAUGHT_BY = "colliding_variables_move_together"
SAYS = "it answers differently each time"


def adjust(result):
    prefix = f"X{uuid4().hex[:6].upper()}_"
    return tuple(each.renamed(prefix + each.key) for each in result.variables)


ADDON = renaming(adjust)
