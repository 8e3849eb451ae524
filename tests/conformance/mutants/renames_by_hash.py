"""Finds another new name in each process."""

from mutants.depot import renaming

CAUGHT_BY = "it_answers_the_same_everywhere"
SAYS = "in a process of its own it has other new names"


def adjust(result, association):
    prefix = f"X{hash(association.alias) % 1000}_"
    return tuple(each.renamed(prefix + each.key) for each in result.variables)


ADDON = renaming(adjust)
