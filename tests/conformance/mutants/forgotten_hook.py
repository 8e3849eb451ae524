"""Has a hook that is not marked as one, so that nobody asks it."""

from mutants import distant

CAUGHT_BY = "the_definition_is_valid"
SAYS = "nobody asks its addon_measure"
CLIENT = "mutants.distant:Client"


def addon_measure():
    """Forgotten."""


ADDON = distant.made()
ADDON.addon_measure = addon_measure
