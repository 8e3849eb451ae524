"""Moves only the first of its variables out of the way."""

from mutants.depot import renaming

CAUGHT_BY = "colliding_variables_move_together"
SAYS = "it renamed only a part of the set"


def adjust(result, association, collisions):
    first, *others = result.variables
    return (first.renamed(association.prefix + first.key), *others) if collisions else result.variables


ADDON = renaming(adjust)
